//! The matrix products and implicit-weight claims of a chunk, batched over layers.
use super::ChunkRelation;
use alloc::vec;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::E;
use tacit_argument::multilinear::{eq_table, log2_ceil};

/// One matrix product at (rho, unit weights).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    /// Z_l = rescale(A_l W_l): the sum runs over the layer's inputs.
    Forward(usize),
    /// Q_{l-1} = rescale(D_l W_l^T): the sum runs over the layer's outputs.
    Backward(usize),
}

/// Random unit weights of every product, and the batching of its instances.
pub(crate) struct Products {
    /// (product, its unit weights, lambda^i, first summation index, summation length).
    pub(crate) all: Vec<Instance>,
    /// Length of the concatenated summation range.
    pub(crate) length: usize,
}

/// One product in the batch.
pub(crate) struct Instance {
    pub(crate) product: Product,
    /// Weights of the product's output units.
    pub(crate) units: Vec<E>,
    pub(crate) lambda: E,
    pub(crate) first: usize,
    pub(crate) len: usize,
}

/// eq(point, .) on the first n vertices.
pub(crate) fn unit_weights(point: &[E], n: usize) -> Vec<E> {
    let mut w = eq_table(point, E::ONE);
    w.truncate(n);
    w
}

/// Row weight of the sum that the implicit weights at t* come to.
pub(crate) const AT_T: usize = 0;
/// Row weight of the final weights W_T.
pub(crate) const FINAL: usize = 1;
/// Row weight of the final velocity V_T.
pub(crate) const VELOCITY: usize = 2;

/// Claims on sum_{k,j} inputs_k outputs_j A^T D(k, j), one per row weight.
pub(crate) struct WeightUnit {
    pub(crate) layer: usize,
    /// Input weights, K of them (a backward product has none for the bias).
    pub(crate) inputs: Vec<E>,
    /// Output weights, N of them.
    pub(crate) outputs: Vec<E>,
    /// (row weight, equation): equation 0 for the products, 1 + l for W_T and 1 + L + l for V_T of layer l.
    pub(crate) claims: Vec<(usize, usize)>,
}

impl WeightUnit {
    /// sum_{k,j} inputs_k outputs_j.
    pub(crate) fn mass(&self) -> E {
        self.inputs.iter().copied().sum::<E>() * self.outputs.iter().copied().sum::<E>()
    }
}

impl ChunkRelation<'_> {
    /// Draws the unit weights of every product and lambda, in this order.
    pub(crate) fn products(&self, mut point: impl FnMut(usize) -> Vec<E>) -> Products {
        let mut draw = |n: usize| unit_weights(&point(log2_ceil(n)), n);
        let layers = &self.config.architecture.layers;
        let mut list: Vec<(Product, Vec<E>, usize)> = vec![];
        for (l, layer) in layers.iter().enumerate() {
            list.push((Product::Forward(l), draw(layer.outputs as usize), self.config.k(l)));
        }
        for (l, layer) in layers.iter().enumerate().skip(1) {
            list.push((Product::Backward(l), draw(layer.inputs as usize), layer.outputs as usize));
        }
        let lambda = point(1)[0];
        let (mut power, mut first) = (E::ONE, 0);
        let all = list
            .into_iter()
            .map(|(product, units, len)| {
                let i = Instance { product, units, lambda: power, first, len };
                power *= lambda;
                first += len;
                i
            })
            .collect();
        Products { all, length: first }
    }

    /// The claims on implicit weights left by the products (`eq` = eq(v*, .)) and by the final weights.
    pub(crate) fn weight_units(
        &self,
        products: &Products,
        eq: &[E],
        mut point: impl FnMut(usize) -> Vec<E>,
    ) -> Vec<WeightUnit> {
        let mut out = vec![];
        for i in &products.all {
            let range = eq[i.first..i.first + i.len].to_vec();
            let (layer, mut inputs, outputs) = match i.product {
                Product::Forward(l) => (l, range, i.units.clone()),
                Product::Backward(l) => (l, i.units.clone(), range),
            };
            inputs.resize(self.config.k(layer), E::ZERO);
            out.push(WeightUnit { layer, inputs, outputs, claims: vec![(AT_T, 0)] });
        }
        let layers = self.layout.layers.len();
        for l in 0..layers {
            let mut claims = vec![(FINAL, 1 + l)];
            if self.state.len() > 1 {
                claims.push((VELOCITY, 1 + layers + l));
            }
            out.push(self.random_weight(l, claims, &mut point));
        }
        out
    }

    /// A random combination of the weights of layer l.
    pub(crate) fn random_weight(
        &self,
        l: usize,
        claims: Vec<(usize, usize)>,
        point: &mut impl FnMut(usize) -> Vec<E>,
    ) -> WeightUnit {
        let (k, n) = (self.config.k(l), self.config.outputs(l));
        let inputs = unit_weights(&point(log2_ceil(k)), k);
        let outputs = unit_weights(&point(log2_ceil(n)), n);
        WeightUnit { layer: l, inputs, outputs, claims }
    }

    /// Per layer, sum_m eq_m inputs_m and sum_m eq_m outputs_m: the A and D claims that the weight sumcheck leaves.
    pub(crate) fn combine(&self, units: &[WeightUnit], eq: &[E]) -> Vec<(Vec<E>, Vec<E>)> {
        let layers = &self.config.architecture.layers;
        let zero = |l: usize, n: u32| (vec![E::ZERO; self.config.k(l)], vec![E::ZERO; n as usize]);
        let mut out: Vec<_> = layers.iter().enumerate().map(|(l, x)| zero(l, x.outputs)).collect();
        for (u, &w) in units.iter().zip(eq) {
            let (a, d) = &mut out[u.layer];
            a.iter_mut().zip(&u.inputs).for_each(|(x, &v)| *x += v * w);
            d.iter_mut().zip(&u.outputs).for_each(|(x, &v)| *x += v * w);
        }
        out
    }
}
