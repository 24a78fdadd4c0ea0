//! Several verified links: which commitments they join, and that none of them is idle.
//!
//! Links join commitments like edges of a graph: "the same content" is symmetric and transitive. Relations of rows join
//! nothing.
use super::{LinkProof, LinkStatement, Linked, RowRelation, stated, verify_link};
use crate::file::{Kind, decode};
use crate::record::ModelRecord;
use crate::verify::Rejected;
use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use tacit_argument::share::MAX_LINKS;
use tacit_argument::soundness::ErrorTerm;

/// Commitment, named by its digest C. Digests of data and of models never agree: their labels differ.
type Digest = [u8; 32];

/// One link of a set.
struct Edge {
    statement: LinkStatement,
    ends: [Digest; 2],
    soundness: Vec<ErrorTerm>,
}

/// A set of links, and which of them something rested on.
pub struct Links {
    edges: Vec<Edge>,
    used: BTreeSet<usize>,
}

impl Links {
    /// Decodes and verifies every link of a verdict that rests on `others` more.
    ///
    /// # Soundness
    /// A link's error is a 2^-7th of 2^-128: more than [`MAX_LINKS`] would have more than a verdict's share.
    ///
    /// # Errors
    /// [`Rejected::TooManyLinks`]; [`Rejected::Link`] with the index of the first that is rejected.
    pub fn verify(files: &[&[u8]], others: usize) -> Result<Self, Rejected> {
        let got = files.len().saturating_add(others);
        if got > MAX_LINKS {
            return Err(Rejected::TooManyLinks { got, most: MAX_LINKS });
        }
        Self::new(files, true)
    }

    /// The same with the arguments left unchecked: for the words of a verdict whose links were verified.
    ///
    /// # Errors
    /// [`Rejected::Link`] with the index of the first that contradicts itself.
    pub fn stated(files: &[&[u8]]) -> Result<Self, Rejected> {
        Self::new(files, false)
    }

    fn new(files: &[&[u8]], argument: bool) -> Result<Self, Rejected> {
        let mut edges = Vec::with_capacity(files.len());
        for (index, bytes) in files.iter().enumerate() {
            let link: LinkProof = decode(Kind::Link, bytes)?;
            let verdict = if argument { verify_link(&link) } else { stated(&link.statement) };
            let verdict = verdict.map_err(|error| Rejected::Link { index, error })?;
            edges.push(Edge {
                statement: link.statement,
                ends: [verdict.first, verdict.second],
                soundness: verdict.soundness,
            });
        }
        Ok(Self { edges, used: BTreeSet::new() })
    }

    /// Every statement with its error terms, in the order given.
    pub fn statements(&self) -> impl Iterator<Item = (&LinkStatement, &[ErrorTerm])> {
        self.edges.iter().map(|e| (&e.statement, e.soundness.as_slice()))
    }

    /// Whether links lead from one commitment to another, or both are one. The links of a shortest way are used then.
    pub fn join(&mut self, from: &Digest, to: &Digest) -> bool {
        let Some(way) = self.way(from, to) else { return false };
        self.used.extend(way);
        true
    }

    /// The links of a shortest way between two commitments, breadth first.
    fn way(&self, from: &Digest, to: &Digest) -> Option<Vec<usize>> {
        let mut reached: BTreeMap<Digest, Option<(usize, Digest)>> = BTreeMap::from([(*from, None)]);
        let mut next = VecDeque::from([*from]);
        while let Some(at) = next.pop_front() {
            if at == *to {
                break;
            }
            let same = |edge: &&Edge| !matches!(edge.statement.linked, Linked::Rows { .. });
            for (index, edge) in self.edges.iter().enumerate().filter(|(_, edge)| same(edge)) {
                let [a, b] = edge.ends;
                let Some(other) = (if a == at { Some(b) } else { (b == at).then_some(a) }) else { continue };
                if let Entry::Vacant(place) = reached.entry(other) {
                    place.insert(Some((index, at)));
                    next.push_back(other);
                }
            }
        }
        let (mut out, mut at) = (Vec::new(), *to);
        while let Some((index, before)) = *reached.get(&at)? {
            out.push(index);
            at = before;
        }
        Some(out)
    }

    /// The record of a model that a link names.
    #[must_use]
    pub fn model(&self, digest: &Digest) -> Option<&ModelRecord> {
        self.edges.iter().find_map(|edge| match &edge.statement.linked {
            Linked::Model { first, second } => {
                edge.ends.iter().zip([first, second]).find(|(end, _)| *end == digest).map(|(_, record)| record)
            }
            Linked::Data { .. } | Linked::Rows { .. } => None,
        })
    }

    /// Whether a link says that two data sets have no row in common, or links lead from there to them. They are used
    /// then.
    pub fn apart(&mut self, first: &Digest, second: &Digest) -> bool {
        for index in 0..self.edges.len() {
            let Some(edge) = self.edges.get(index) else { continue };
            if !matches!(&edge.statement.linked, Linked::Rows { relation: RowRelation::Disjoint { .. }, .. }) {
                continue;
            }
            let [a, b] = edge.ends;
            for (a, b) in [(a, b), (b, a)] {
                if let (Some(left), Some(right)) = (self.way(first, &a), self.way(second, &b)) {
                    self.used.extend(left.into_iter().chain(right).chain([index]));
                    return true;
                }
            }
        }
        false
    }

    /// Checks that every link was used: an idle one would look like a check of something.
    ///
    /// # Errors
    /// [`Rejected::IdleLink`] with the first that was not.
    pub fn all_used(&self) -> Result<(), Rejected> {
        match (0..self.edges.len()).find(|i| !self.used.contains(i)) {
            Some(index) => Err(Rejected::IdleLink { index }),
            None => Ok(()),
        }
    }
}
