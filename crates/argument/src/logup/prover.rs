//! The prover's side: builds the tree from the leaves, walks it from the root and frees a layer when it is done.
use super::LABEL;
use super::kernels::{Eq, Node, bind, bind_first, bind_round, first_round, fraction, parents, round};
use super::lanes::{Lanes, PE, WIDTH};
use super::leaves::Leaves;
use crate::field::{E, F};
use crate::hiding::Masker;
use alloc::vec::Vec;
use p3_field::{Field, PackedFieldExtension, PrimeCharacteristicRing};

/// The fractions cannot be proven. Seen by the owner of the witness alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogupError {
    /// The arrays do not form 2^k fractions.
    #[error("{numerators} numerators over {denominators} denominators are not 2^k fractions")]
    LeafCount {
        /// Numerators given.
        numerators: usize,
        /// Denominators given.
        denominators: usize,
    },
    /// A denominator is zero: a fingerprint met the challenge alpha.
    #[error("denominator {index} is zero")]
    ZeroDenominator {
        /// Index of the leaf.
        index: usize,
    },
    /// The fractions do not sum to zero: a looked-up value is in no table, or a multiplicity is wrong.
    #[error("the fractions do not sum to zero")]
    SumNotZero,
}

/// A layer of the tree.
enum Layer {
    Scalar(Vec<Node<E>>),
    Packed(Vec<Node<PE>>),
}

/// Sends the messages of `sum n_i / d_i = 0`; returns the leaf point, most significant index bit first.
///
/// # Errors
/// [`LogupError`] if the relation does not hold; nothing was sent then.
pub fn logup_proof(masker: &mut Masker<'_>, numerators: Vec<F>, denominators: Vec<E>) -> Result<Vec<E>, LogupError> {
    let (n, d) = (&numerators[..], &denominators[..]);
    if n.len() != d.len() || !n.len().is_power_of_two() {
        return Err(LogupError::LeafCount { numerators: n.len(), denominators: d.len() });
    }
    let leaves = Leaves::new(n, d);
    let mut layers = tree(n, d, leaves.as_ref());
    let [sum, root] = match layers.last() {
        Some(Layer::Scalar(top)) => fraction(&top[0]),
        _ => [n[0].into(), d[0]],
    };
    let Some(inverse) = root.try_inverse() else {
        let index = d.iter().position(|d| d.is_zero()).unwrap_or_default();
        return Err(LogupError::ZeroDenominator { index });
    };
    if !sum.is_zero() && !masker.is_dishonest() {
        return Err(LogupError::SumNotZero);
    }
    masker.begin(LABEL);
    masker.send(root);
    masker.send(inverse);
    let mut walk = Walk { masker, above: [E::ZERO, E::ZERO, E::ZERO, root], lambda: E::ZERO, point: Vec::new() };
    let mut spare = Vec::new();
    while let Some(layer) = layers.pop() {
        match layer {
            Layer::Scalar(nodes) => walk.layer(|s| s.scalar(nodes)),
            Layer::Packed(nodes) => walk.layer(|s| s.packed(nodes, &mut spare)),
        }
    }
    if let Some(leaves) = leaves {
        walk.layer(|s| s.leaves(&leaves, spare));
    }
    if n.len() > 1 {
        walk.point.insert(0, walk.masker.challenge());
    }
    Ok(walk.point)
}

/// The layers from the widest one stored up to the one node that adds the root's children.
fn tree(n: &[F], d: &[E], leaves: Option<&Leaves<'_>>) -> Vec<Layer> {
    let mut layers = Vec::new();
    let mut nodes = if let Some(leaves) = leaves {
        let mut nodes = leaves.parents();
        while nodes.len() > 1 {
            let above = parents(&nodes);
            layers.push(Layer::Packed(nodes));
            nodes = above;
        }
        unpack(&nodes)
    } else {
        Leaves::scalar(n, d)
    };
    while !nodes.is_empty() {
        let above = parents(&nodes);
        layers.push(Layer::Scalar(nodes));
        nodes = above;
    }
    layers
}

fn unpack(nodes: &[Node<PE>]) -> Vec<Node<E>> {
    nodes.iter().flat_map(|node| (0..WIDTH).map(|lane| node.map(|v| v.extract(lane)))).collect()
}

/// Between two layers: the halves `[n0, d0, m, d1]` at the point.
struct Walk<'a, 'b> {
    masker: &'a mut Masker<'b>,
    above: Node<E>,
    lambda: E,
    point: Vec<E>,
}

impl Walk<'_, '_> {
    fn layer(&mut self, rounds: impl FnOnce(&mut Rounds<'_, '_>) -> Node<E>) {
        let lambda = self.masker.challenge();
        let [n0, d0, m, d1] = self.above;
        let ends = [n0 + lambda * d0, m + (lambda - self.lambda) * d1];
        let bound = Vec::with_capacity(self.point.len() + 2);
        let mut state = Rounds { masker: self.masker, at: &self.point, lambda, ends, claim: E::ZERO, bound };
        let node = rounds(&mut state);
        let bound = state.bound;
        node.into_iter().for_each(|v| self.masker.send(v));
        (self.above, self.lambda, self.point) = (node, lambda, bound);
    }
}

/// Within a layer.
struct Rounds<'a, 'b> {
    masker: &'a mut Masker<'b>,
    at: &'a [E],
    lambda: E,
    /// q(0) and q(1) of the first round.
    ends: [E; 2],
    claim: E,
    bound: Vec<E>,
}

impl Rounds<'_, '_> {
    /// Sends q2 of the first round and draws its challenge.
    fn send_first(&mut self, q2: E) -> E {
        self.masker.send(q2);
        let r = self.masker.challenge();
        let [lo, hi] = self.ends;
        self.claim = lo + r * (hi - lo) + q2 * (r.square() - r);
        self.bound.push(r);
        r
    }
    /// Sends q1 and q2 of a later round and draws its challenge.
    ///
    /// q1 follows from the claim by a division. A zero coordinate (probability 2^-191) makes the message wrong,
    /// which costs completeness only.
    fn send(&mut self, [q0, q2]: [E; 2]) -> E {
        let s = self.at[self.bound.len() - 1];
        let q1 = (self.claim - q0) * s.try_inverse().unwrap_or_default() - q2;
        self.masker.send(q1);
        self.masker.send(q2);
        let r = self.masker.challenge();
        self.claim += q1 * (r - s) + q2 * (r.square() - s);
        self.bound.push(r);
        r
    }
    /// The eq table of the variables after the one to be bound next.
    fn eq<T: Lanes>(&self) -> Eq<T> {
        Eq::new(&self.at[self.bound.len()..])
    }
    /// Binds every variable above the lanes, given the first sums.
    fn run<T: Lanes>(&mut self, nodes: &mut Vec<Node<T>>, mut eq: Eq<T>, mut sums: [E; 2]) {
        while nodes.len() > 1 {
            let r = T::from(self.send(sums));
            if nodes.len() > 2 {
                eq.drop_variable();
                sums = bind_round(nodes, &eq, |lo, hi| bind(lo, hi, &r));
            } else {
                let (lo, hi) = nodes.split_at_mut(1);
                bind(&mut lo[0], &hi[0], &r);
                nodes.truncate(1);
            }
        }
    }
    /// Binds every variable above the lanes of a whole layer; at least one.
    fn whole<T: Lanes>(&mut self, nodes: &mut Vec<Node<T>>) {
        let mut eq = self.eq();
        let r = self.send_first(first_round(nodes, &eq, self.lambda));
        let (r, lambda) = (T::from(r), T::from(self.lambda));
        if nodes.len() > 2 {
            eq.drop_variable();
            let sums = bind_round(nodes, &eq, |lo, hi| bind_first(lo, hi, &r, &lambda));
            self.run(nodes, eq, sums);
        } else {
            let (lo, hi) = nodes.split_at_mut(1);
            bind_first(&mut lo[0], &hi[0], &r, &lambda);
            nodes.truncate(1);
        }
    }
    fn scalar(&mut self, mut nodes: Vec<Node<E>>) -> Node<E> {
        if nodes.len() > 1 {
            self.whole(&mut nodes);
        } else {
            let d1 = nodes[0][3];
            nodes[0][2] += self.lambda * d1;
        }
        nodes[0]
    }
    /// Leaves the layer's memory in `spare` for the next one.
    fn packed(&mut self, mut nodes: Vec<Node<PE>>, spare: &mut Vec<Node<PE>>) -> Node<E> {
        self.whole(&mut nodes);
        let node = self.lanes(&nodes);
        *spare = nodes;
        node
    }
    fn leaves(&mut self, leaves: &Leaves<'_>, mut nodes: Vec<Node<PE>>) -> Node<E> {
        let mut eq = self.eq();
        let r = self.send_first(leaves.first_round(&eq, self.lambda));
        eq.drop_variable();
        let sums = leaves.bind_round(&mut nodes, &eq, r, self.lambda);
        self.run(&mut nodes, eq, sums);
        self.lanes(&nodes)
    }
    /// Binds the variables within one register.
    fn lanes(&mut self, nodes: &[Node<PE>]) -> Node<E> {
        let mut nodes = unpack(nodes);
        if nodes.len() > 1 {
            let eq = self.eq();
            let sums = round(&nodes, &eq);
            self.run(&mut nodes, eq, sums);
        }
        nodes[0]
    }
}
