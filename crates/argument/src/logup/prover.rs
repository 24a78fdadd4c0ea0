//! The prover's side: builds the tree from the leaves, walks it from the root and frees a layer when it is done.
use super::LABEL;
use super::kernels::{Eq, Lanes, Node, PE, WIDTH, first_round, fold, fold_round, fraction, parents};
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
        Some(Layer::Scalar(top)) => fraction(top[0]),
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
    let mut walk = Walk { masker, point: Vec::new(), claim: [E::ZERO, root] };
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

/// Between two layers: the claims n(point), d(point).
struct Walk<'a, 'b> {
    masker: &'a mut Masker<'b>,
    point: Vec<E>,
    claim: [E; 2],
}

impl Walk<'_, '_> {
    fn layer(&mut self, rounds: impl FnOnce(&mut Rounds<'_, '_>) -> Node<E>) {
        let lambda = self.masker.challenge();
        let claim = self.claim[0] + lambda * self.claim[1];
        let bound = Vec::with_capacity(self.point.len() + 1);
        let mut state = Rounds { masker: self.masker, at: &self.point, lambda, claim, bound };
        let node = rounds(&mut state);
        let mut bound = state.bound;
        node.into_iter().for_each(|v| self.masker.send(v));
        let c = self.masker.challenge();
        let [n0, d0, m, d1] = node;
        self.claim = [n0 + c * (m - lambda * d1 - n0), d0 + c * (d1 - d0)];
        bound.insert(0, c);
        self.point = bound;
    }
}

/// Within a layer: the sumcheck at the layer's point.
struct Rounds<'a, 'b> {
    masker: &'a mut Masker<'b>,
    at: &'a [E],
    lambda: E,
    claim: E,
    bound: Vec<E>,
}

impl Rounds<'_, '_> {
    /// Sends q1, q2 of a round and draws its challenge.
    ///
    /// q1 follows from the claim by a division. A zero coordinate (probability 2^-191) makes the messages wrong,
    /// which costs completeness only.
    fn send(&mut self, [q0, q2]: [E; 2]) -> E {
        let s = self.at[self.bound.len()];
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
        Eq::new(self.at.get(self.bound.len() + 1..).unwrap_or_default())
    }
    /// Binds every variable above the lanes, given the first round's sums.
    fn run<T: Lanes>(&mut self, nodes: &mut Vec<Node<T>>, mut eq: Eq<T>, mut sums: [E; 2]) {
        while nodes.len() > 1 {
            let r = self.send(sums);
            if nodes.len() > 2 {
                eq.drop_variable();
                sums = fold_round(nodes, &eq, r);
            } else {
                nodes[0] = fold(&nodes[0], &nodes[1], T::from(r));
                nodes.truncate(1);
            }
        }
    }
    fn finish<T: Lanes>(&mut self, nodes: &mut Vec<Node<T>>, lambda: E) {
        let eq = self.eq();
        let sums = first_round(nodes, &eq, lambda);
        self.run(nodes, eq, sums);
    }
    fn scalar(&mut self, mut nodes: Vec<Node<E>>) -> Node<E> {
        self.finish(&mut nodes, self.lambda);
        nodes[0]
    }
    /// Leaves the layer's memory in `spare` for the next one.
    fn packed(&mut self, mut nodes: Vec<Node<PE>>, spare: &mut Vec<Node<PE>>) -> Node<E> {
        self.finish(&mut nodes, self.lambda);
        let node = self.lanes(&nodes);
        *spare = nodes;
        node
    }
    fn leaves(&mut self, leaves: &Leaves<'_>, mut nodes: Vec<Node<PE>>) -> Node<E> {
        let mut eq = self.eq();
        let sums = leaves.first_round(&eq, self.lambda);
        let r = self.send(sums);
        eq.drop_variable();
        let sums = leaves.fold_round(&mut nodes, &eq, r, self.lambda);
        self.run(&mut nodes, eq, sums);
        self.lanes(&nodes)
    }
    /// Binds the variables within one register; lambda is in it already.
    fn lanes(&mut self, nodes: &[Node<PE>]) -> Node<E> {
        let mut nodes = unpack(nodes);
        self.finish(&mut nodes, E::ZERO);
        nodes[0]
    }
}
