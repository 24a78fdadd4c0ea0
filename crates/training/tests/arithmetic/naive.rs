//! The reference: plain i128 loops, one formula of the document per line, nothing shared with the trainer.
use tacit_training::config::{Activation, Loss, Order, RunConfig};
use tacit_training::trainer::{Data, ModelState};

pub type Matrix = Vec<Vec<i128>>;

pub fn rescale(v: i128, s: u32) -> i128 {
    if s == 0 { v } else { (v + (1 << (s - 1))).div_euclid(1 << s) }
}

/// max, e, p, rem, first maximum.
pub type Softmax = (i128, Vec<i128>, Vec<i128>, Vec<i128>, usize);

/// Everything of one step; every matrix has a row per example of the padded batch.
#[derive(Default)]
pub struct NaiveStep {
    pub rows: Vec<Option<usize>>,
    /// W_t per layer.
    pub w: Vec<Matrix>,
    pub a: Vec<Matrix>,
    pub raw: Vec<Matrix>,
    pub z: Vec<Matrix>,
    pub q_raw: Vec<Matrix>,
    pub q: Vec<Matrix>,
    pub d: Vec<Matrix>,
    /// w_t A^T D per layer.
    pub g: Vec<Matrix>,
    /// Per example.
    pub softmax: Vec<Softmax>,
}

pub struct NaiveChunk {
    pub steps: Vec<NaiveStep>,
    /// W_{T*} and V_{T*}, before rounding.
    pub w: Vec<i128>,
    pub v: Vec<i128>,
    pub out: ModelState,
}

const P: i128 = 1 << 60;

fn hdiv(a: i128, b: i128) -> i128 {
    (2 * a + b).div_euclid(2 * b)
}

/// expq by the definition: the product over the set bits of d, ascending.
pub fn expq(fa: u32, d: usize) -> i128 {
    let (mut x, mut term, mut k) = (0, P, 0i128);
    while term != 0 {
        x += if k % 2 == 0 { term } else { -term };
        term = term.div_euclid((1 << fa) * (k + 1));
        k += 1;
    }
    let mut r = P;
    for i in 0..17 {
        if (d >> i) & 1 == 1 {
            r = (r * x + (1 << 59)) >> 60;
        }
        x = (x * x + (1 << 59)) >> 60;
    }
    r
}

pub fn exp(fa: u32, fe: u32, d: i128) -> i128 {
    ((expq(fa, d as usize) << (fe + 1)) + P).div_euclid(2 * P)
}

pub fn sigmoid(fa: u32, bits: u32, z: i128) -> i128 {
    let e = expq(fa, z.unsigned_abs() as usize);
    hdiv((1 << bits) * if z >= 0 { P } else { e }, P + e)
}

pub fn sigmoid_derivative(fa: u32, z: i128) -> i128 {
    let e = expq(fa, z.unsigned_abs() as usize);
    let s = P * P / (P + e);
    hdiv(s * (P - s) / P, 1 << 48)
}

pub fn tanh(fa: u32, z: i128) -> i128 {
    let e = expq(fa, 2 * z.unsigned_abs() as usize);
    hdiv(z.signum() * (1 << fa) * (P - e), P + e)
}

pub fn tanh_derivative(fa: u32, z: i128) -> i128 {
    let e = expq(fa, 2 * z.unsigned_abs() as usize);
    let th = (P - e) * P / (P + e);
    hdiv(P - th * th / P, 1 << 48)
}

pub fn batch(config: &RunConfig, t: usize) -> Vec<Option<usize>> {
    let s = &config.schedule;
    let (n, b) = (s.rows as usize, s.batch as usize);
    let spe = if s.drop_last { n / b } else { n.div_ceil(b) };
    let order = match &config.order {
        Order::Contiguous => (0..n).collect::<Vec<_>>(),
        Order::Shuffled { .. } => {
            let perm = tacit_training::order::permutation(&config.order, n as u32, (t / spe) as u64);
            perm.into_iter().map(|i| i as usize).collect()
        }
    };
    (0..b.next_power_of_two())
        .map(|i| if i < b && t < s.total_steps as usize { order.get((t % spe) * b + i).copied() } else { None })
        .collect()
}

/// One step from W_t; `t` counts in the run.
pub fn step(config: &RunConfig, data: &Data, t: usize, w: &[Matrix], real: bool) -> NaiveStep {
    let s = &config.scales;
    let (fa, f, layers) = (s.fa, s.fw + s.kappa, &config.architecture.layers);
    let rows = if real { batch(config, t) } else { vec![None; config.padded_batch() as usize] };
    let inputs = layers[0].inputs as usize;
    let mut a: Matrix = rows
        .iter()
        .map(|r| (0..inputs).map(|k| r.map_or(0, |i| data.features[i * inputs + k].into())).collect())
        .collect();
    let mut out = NaiveStep {
        rows: rows.clone(),
        w: w.to_vec(),
        a: vec![],
        raw: vec![],
        z: vec![],
        q_raw: vec![],
        q: vec![],
        d: vec![],
        g: vec![],
        softmax: vec![],
    };
    for (layer, w) in layers.iter().zip(w) {
        if layer.bias {
            a.iter_mut().for_each(|r| r.push(1 << fa));
        }
        let n = layer.outputs as usize;
        let raw: Matrix =
            a.iter().map(|r| (0..n).map(|j| r.iter().zip(w).map(|(x, w)| x * w[j]).sum()).collect()).collect();
        let z: Matrix = raw.iter().map(|r| r.iter().map(|&v| rescale(v, f)).collect()).collect();
        let act = |z: i128| match layer.activation {
            Activation::Identity => z,
            Activation::Relu => z.max(0),
            Activation::Sigmoid => sigmoid(fa, fa, z),
            Activation::Tanh => tanh(fa, z),
        };
        let next = z.iter().map(|r| r.iter().map(|&z| act(z)).collect()).collect();
        out.a.push(core::mem::replace(&mut a, next));
        out.raw.push(raw);
        out.z.push(z);
    }
    let d = loss(config, data, &mut out);
    backward(config, w, d, &mut out);
    let b_t = rows.iter().flatten().count() as i128;
    let weight = if b_t == 0 { 0 } else { hdiv((1 << s.omega) * i128::from(config.schedule.batch), b_t) };
    for (a, d) in out.a.iter().zip(&out.d) {
        let entry = |k: usize, j: usize| a.iter().zip(d).map(|(a, d)| a[k] * d[j]).sum::<i128>() * weight;
        out.g.push((0..a[0].len()).map(|k| (0..d[0].len()).map(|j| entry(k, j)).collect()).collect());
    }
    out
}

fn loss(config: &RunConfig, data: &Data, out: &mut NaiveStep) -> Matrix {
    let s = &config.scales;
    let (fa, fg) = (s.fa, s.fg);
    let (z, width) = (out.z.last().unwrap().clone(), config.label_width());
    let mut d = vec![];
    for (z, row) in z.iter().zip(&out.rows) {
        let label = |j: usize| row.map_or(0, |i| i128::from(data.labels[i * width + j]));
        let mut unmasked: Vec<i128> = match config.architecture.loss {
            Loss::CrossEntropy => {
                let fe = 16 - (usize::BITS - (z.len() - 1).leading_zeros());
                let max = *z.iter().max().unwrap();
                let e: Vec<i128> = z.iter().map(|&v| exp(fa, fe, max - v)).collect();
                let sum: i128 = e.iter().sum();
                let p: Vec<i128> = e.iter().map(|e| (e << fg) / sum).collect();
                let rem = e.iter().zip(&p).map(|(e, p)| (e << fg) - p * sum).collect();
                let first = z.iter().position(|&v| v == max).unwrap();
                let d =
                    p.iter().enumerate().map(|(j, p)| p - if label(0) == j as i128 { 1 << fg } else { 0 }).collect();
                out.softmax.push((max, e, p, rem, first));
                d
            }
            Loss::BceWithLogits => z.iter().enumerate().map(|(j, &v)| sigmoid(fa, fg, v) - (label(j) << fg)).collect(),
            Loss::Mse => z.iter().enumerate().map(|(j, &v)| (v - label(j)) << (fg - fa)).collect(),
        };
        if row.is_none() {
            unmasked.fill(0);
        }
        d.push(unmasked);
    }
    d
}

fn backward(config: &RunConfig, w: &[Matrix], last: Matrix, out: &mut NaiveStep) {
    let (fa, f, layers) = (config.scales.fa, config.weight_bits(), &config.architecture.layers);
    let mut d = vec![last];
    for l in (1..layers.len()).rev() {
        let inputs = layers[l].inputs as usize;
        let raw: Matrix = d[0]
            .iter()
            .map(|r| (0..inputs).map(|k| r.iter().zip(&w[l][k]).map(|(d, w)| d * w).sum()).collect())
            .collect();
        let q: Matrix = raw.iter().map(|r| r.iter().map(|&v| rescale(v, f)).collect()).collect();
        let through = |q: i128, z: i128| match layers[l - 1].activation {
            Activation::Identity => q,
            Activation::Relu => {
                if z <= 0 {
                    0
                } else {
                    q
                }
            }
            Activation::Sigmoid => rescale(q * sigmoid_derivative(fa, z), 12),
            Activation::Tanh => rescale(q * tanh_derivative(fa, z), 12),
        };
        let next = q.iter().zip(&out.z[l - 1]).map(|(q, z)| q.iter().zip(z).map(|(&q, &z)| through(q, z)).collect());
        d.insert(0, next.collect());
        out.q_raw.insert(0, raw);
        out.q.insert(0, q);
    }
    out.d = d;
}

fn matrices(config: &RunConfig, flat: &[i128]) -> Vec<Matrix> {
    let mut at = flat.iter().copied();
    config
        .architecture
        .layers
        .iter()
        .map(|x| {
            (0..x.inputs + u32::from(x.bias)).map(|_| (0..x.outputs).map(|_| at.next().unwrap()).collect()).collect()
        })
        .collect()
}

pub fn flat(m: &[Matrix]) -> Vec<i128> {
    m.iter().flatten().flatten().copied().collect()
}

/// A chunk by the definitions of V and W, padding steps included.
pub fn chunk(config: &RunConfig, index: u32, start: &ModelState, data: &Data) -> NaiveChunk {
    let s = &config.schedule;
    let kappa = config.scales.kappa;
    let first = (index * s.chunk_steps) as usize;
    let real = (s.total_steps as usize - first).min(s.chunk_steps as usize);
    let d = |i: usize| s.filter.get(i).map_or(0, |&d| i128::from(d));
    let mut rates = vec![];
    for span in &s.rates {
        rates.extend(vec![i128::from(span.rate); span.steps as usize]);
    }
    let mut w: Vec<i128> = start.weights.iter().map(|&w| i128::from(w) << kappa).collect();
    let v0: Vec<i128> = start.velocity.as_ref().map_or(vec![0; w.len()], |v| v.iter().map(|&v| v.into()).collect());
    let (mut v, mut steps, mut g): (Vec<i128>, Vec<NaiveStep>, Vec<Vec<i128>>) = (vec![], vec![], vec![]);
    for t in 0..real {
        let step = step(config, data, first + t, &matrices(config, &w), true);
        g.push(flat(&step.g));
        v = (0..w.len()).map(|i| (0..=t).map(|s| d(t - s) * g[s][i]).sum::<i128>() + d(t + 1) * v0[i]).collect();
        w.iter_mut().zip(&v).for_each(|(w, v)| *w -= rates[first + t] * v);
        steps.push(step);
    }
    for t in real..s.chunk_steps as usize {
        steps.push(step(config, data, first + t, &matrices(config, &w), false));
    }
    let round = |v: &[i128]| v.iter().map(|&v| rescale(v, kappa) as i64).collect::<Vec<_>>();
    let out = ModelState { weights: round(&w), velocity: start.velocity.as_ref().map(|_| round(&v)) };
    NaiveChunk { steps, w, v, out }
}
