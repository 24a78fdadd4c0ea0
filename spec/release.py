"""A release: "these integers are the rounding of the model that the run ends with", section 10.6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spec.chain import RunVerdict, check_rate
from spec.field import ONE, ZERO, P, inner, lg, total, unit_weights
from spec.hiding import Affine, Low, Reduction
from spec.layout import Allocator, ModelLayout, WeightLimbs, limb_widths
from spec.lookup import System, lookup_check
from spec.parameters import LOG_ABOUT_MODEL, Term, algebraic
from spec.proof import ReleaseProof
from spec.records import check_model
from spec.rejected import require, within
from spec.relation import check_relation
from spec.statement import ReleaseStatement, RunStatement
from spec.text import has_hidden
from spec.training import RunConfig

LABEL = b"tacit/release/v1"
RELEASE_VERSION, MIN_BITS, MAX_NAME = 1, 4, 256
LOG_SLOTS, MAX_LOG_ROWS = 6, 12
MODEL = 1


class ReleaseRelation:
    """W_T + 2^(s-1) = 2^s W_rel + R for every weight, R of s bits."""

    log_proofs = LOG_ABOUT_MODEL

    def __init__(self, config: RunConfig, shift: int, weights: Sequence[int]) -> None:
        """For weights that drop `shift` bits."""
        self.layers, self.shift, self.weights = config.architecture.layers, shift, weights
        self.model = ModelLayout.of(self.layers, 0)
        widest = max(limb_widths(shift)) if shift else 0
        rows = min(max(0, max(lg(self.model.cells), widest) - LOG_SLOTS), MAX_LOG_ROWS)
        self.max_stride = max(rows, self.model.max_stride)
        slots = Allocator()
        self.limbs = WeightLimbs(self.layers, shift, self.max_stride, slots)
        self.lookups = System(self.max_stride)
        self.limbs.lookups(self.lookups)
        self.column_cells = self.lookups.place(slots.next) << self.max_stride

    def check(self, r: Reduction) -> None:
        """The chain of claims."""
        r.begin(LABEL)
        first = 0
        for index, layer in enumerate(self.layers):
            inputs = unit_weights(r.point(lg(layer.k)), layer.k)
            outputs = unit_weights(r.point(lg(layer.outputs)), layer.outputs)
            n = layer.outputs
            rows = (self.weights[first + k * n : first + (k + 1) * n] for k in range(layer.k))
            released = total(w * inner(outputs, row) for w, row in zip(inputs, rows, strict=True))
            first += layer.k * n
            e = Affine(total(inputs) * total(outputs) * ((1 << self.shift) >> 1) - released * (1 << self.shift))
            size = 1 << self.model.stride[index]
            low = r.low(Low(table=outputs + [ZERO] * (size - n)))
            for k, w in enumerate(inputs):
                e.add_cell(MODEL, low, self.model.first[index] + k, w)
            self.limbs.add_to(e, index, low, inputs, -ONE)
            r.assert_zero(e)
        if self.lookups.lookups:
            lookup_check(r, self.lookups)

    def soundness(self, bits: float) -> list[Term]:
        """Error terms."""
        points = sum(lg(layer.k) + lg(layer.outputs) + 1 for layer in self.layers)
        out = [algebraic("random weights and batching of layers", points, bits)]
        if self.lookups.lookups:
            out.append(algebraic("lookups", self.lookups.error_numerator(), bits))
        return out


@dataclass
class ReleaseVerdict:
    """What a verified release establishes, given its run."""

    bits: int
    weights: int
    public_data: bool
    """Whether the owner set the safety rules aside because the data is public."""
    soundness: list[Term]


def check_weights(config: RunConfig, w_out: int, statement: ReleaseStatement) -> int:
    """Width, number and windows of the released weights; the bits that were dropped."""
    within(statement.bits, MIN_BITS, config.scales.fw, "Bits", "fractional bits of the release")
    expected = sum(layer.k * layer.outputs for layer in config.architecture.layers)
    require(len(statement.weights) == expected, "WeightCount", f"{len(statement.weights)} for {expected}")
    s = config.scales.fw - statement.bits
    require(2 * (w_out + (1 << s)) < P, "NoWrap", "w_out + 2^s is not below p/2")
    bound = (w_out >> s) + 1
    for index, weight in enumerate(statement.weights):
        require(abs(weight) <= bound, "WeightRange", f"weight {index} is {weight}, beyond {bound}")
    return s


def check_names(config: RunConfig, names: Sequence[tuple[str, str | None]]) -> None:
    """One name per matrix and bias, no two alike."""
    layers, seen = config.architecture.layers, set[str]()
    require(len(names) == len(layers), "Names", f"{len(names)} entries for {len(layers)} layers")
    for layer, (weight, bias) in zip(layers, names, strict=True):
        require(layer.bias == (bias is not None), "Names", "a bias without a name, or a name without a bias")
        for name in [weight] if bias is None else [weight, bias]:
            require(1 <= len(name.encode()) <= MAX_NAME, "Names", "a name is empty or too long")
            require(not has_hidden(name), "Names", "a name has control or invisible characters")
            require(name != "__metadata__", "Names", "a reserved name")
            require(name not in seen, "Names", f"{name!r} twice")
            seen.add(name)


def verify_release(release: ReleaseProof, run: RunVerdict, of_run: RunStatement) -> ReleaseVerdict:
    """Checks a release against the verdict on its run."""
    s, config = release.statement, of_run.config
    require(s.version == RELEASE_VERSION, "ReleaseVersion", f"{s.version}")
    require(s.run_digest == run.run_digest, "OtherRun", "the release belongs to another run")
    require(s.model_digest == run.model_digest, "NotFinalModel", "the release is of another model")
    check_model(run.model, config)
    check_rate(of_run, run.model.vector.log_inv_rate)
    shift = check_weights(config, run.bounds.w, s)
    check_names(config, s.names)
    relation = ReleaseRelation(config, shift, s.weights)
    others = [run.model.committed()]
    terms = check_relation(LABEL, s.digest(), relation, of_run.log_inv_rate, others, release.proof)
    return ReleaseVerdict(s.bits, len(s.weights), s.exemption is not None, terms)
