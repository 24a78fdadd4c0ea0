"""Stands in for the compiled module in tests of the Python around it.

Files are JSON with a digest; nothing is proven. It records its calls, so that tests can see what was asked of
it and in which order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np

ROWS_PER_PROOF = 124


class Failure(Exception):
    """The shape of `_native.Failure`."""

    def __init__(self, category: str, check: str, subject: str, message: str) -> None:
        super().__init__(message)
        self.category, self.check, self.subject, self.message = category, check, subject, message


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"\0".join(parts)).digest()


def pack(**content: Any) -> bytes:
    return b"double\n" + json.dumps(content, sort_keys=True).encode()


def unpack(file: bytes) -> dict[str, Any]:
    if not file.startswith(b"double\n"):
        raise Failure("unreadable", "format", "", "this is not a tacit file")
    try:
        return dict(json.loads(file[7:]))
    except ValueError as error:
        check = "trailing" if "Extra data" in str(error) else "truncated"
        raise Failure("unreadable", check, "", f"the file is damaged: {check}") from None


class NativeDouble:
    """The functions of `_native` that `tacit.session` calls."""

    Failure = Failure

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.releases = 0
        self.before_chunk: Callable[[int], None] = lambda index: None
        self.attempts: list[int] = []
        self.next_weights: list[Any] = []

    def commit_dataset(self, description, features, labels, seed, secret, progress):
        self.calls.append("commit_dataset")
        told = json.loads(description)
        assert features.shape == (told["features"], told["rows"])
        assert features.dtype == np.int32
        assert features.flags.c_contiguous
        assert labels.shape == (told["label_columns"], told["rows"])
        assert labels.dtype == np.int64
        assert len(seed) == len(secret) == 32
        progress(1, 1)
        digest = sha(features.tobytes(), labels.tobytes(), seed)
        file = pack(kind="data", digest=digest.hex(), description=told)
        return digest, file, ROWS_PER_PROOF * (told["proofs"] + 1), ROWS_PER_PROOF

    def commit_model(self, config, weights, velocity, seed, proofs, for_reports):
        json.loads(config)
        digest = sha(weights.tobytes(), seed)
        file = pack(kind="model", digest=digest.hex(), proofs=proofs)
        return digest, file, ROWS_PER_PROOF * (proofs + 1), ROWS_PER_PROOF

    def declare(self, config, commitment, start, origins):
        committed = b"" if start is None else unpack(start[0])["digest"].encode()
        return sha(config.encode(), commitment, committed, origins.encode())

    def derive_seed(self, purpose, origin, config, commitment, declaration):
        architecture = json.loads(config)["architecture"]
        bound = json.dumps(architecture, sort_keys=True).encode() if declaration is None else declaration
        return sha(purpose.encode(), origin.encode(), commitment, bound)

    def initial_weights(self, config, seed):
        layers = json.loads(config)["architecture"]["layers"]
        count = sum((layer["inputs"] + layer["bias"]) * layer["outputs"] for layer in layers)
        values = np.random.default_rng(list(seed)).integers(-(1 << 20), 1 << 20, count)
        return values.astype("<i8").tobytes()

    def run_statement(self, config, commitment, start, origins, released):
        told = json.loads(config)
        chunks = -(-told["schedule"]["total_steps"] // told["schedule"]["chunk_steps"])
        return pack(
            kind="statement",
            data=unpack(commitment)["digest"],
            start=None if start is None else unpack(start[0])["digest"],
            chunks=chunks,
            bits=None if start is None else start[1],
            origins=json.loads(origins),
            released=released,
            config=told,
        )

    def estimate_run(self, statement):
        return json.dumps(
            {
                "chunks": unpack(statement)["chunks"],
                "seconds": 1.5,
                "memory": 10**9,
                "proof_bytes": 350_000,
                "rows_per_proof": ROWS_PER_PROOF,
            }
        )

    def estimate_plan(self, config, commitment, start_bits):
        schedule = json.loads(config)["schedule"]
        memory = 10**7 * schedule["chunk_steps"]
        chunks = max(1, -(-schedule["total_steps"] // schedule["chunk_steps"]))
        costs = {"chunks": chunks, "seconds": 1.5 * chunks, "memory": memory, "proof_bytes": 350_000 * chunks}
        return json.dumps({**costs, "rows_per_proof": ROWS_PER_PROOF})

    def prove_chunk(self, statement, index, data, table, state, model_in, out, secret, progress):
        self.attempts.append(index)
        told = unpack(statement)
        assert unpack(data[0])["digest"] == told["data"]
        assert (
            sha(
                np.ascontiguousarray(table[0].T).tobytes(),
                np.ascontiguousarray(table[1].reshape(len(table[1]), -1).T).tobytes(),
                data[1],
            ).hex()
            == told["data"]
        )
        if model_in is None:
            assert index == 0 and told["start"] is None
        else:
            assert sha(state[0].tobytes(), model_in[1]).hex() == unpack(model_in[0])["digest"]
        self.before_chunk(index)
        progress(1, 2)
        after = self.next_weights[index + 1]
        digest = sha(after.tobytes(), out[0])
        model = pack(kind="model", digest=digest.hex(), proofs=out[1])
        return pack(kind="chunk", index=index, out=digest.hex()), model, [("trace", 0.5)]

    def assemble_run(self, statement, chunks):
        return pack(kind="run", statement=unpack(statement), chunks=[unpack(c) for c in chunks])

    def check_release(self, run, bits, circumstances):
        told = json.loads(circumstances)
        self.circumstances = told
        if told["earlier"] != "nothing" and not told["data_is_public"]:
            raise Failure("release", "EarlierRelease", "", f"rule: {told['earlier']} data")
        if not 4 <= bits < 20:
            raise Failure("usage", "Bits", "", f"a release of {bits} fractional bits")

    def prove_release(self, run, weights, velocity, opening, bits, circumstances, names, secret, progress):
        self.check_release(run, bits, circumstances)
        self.releases += 1
        assert sha(weights.tobytes(), bytes(opening[1])).hex() == unpack(opening[0])["digest"]
        fw = unpack(run)["statement"]["config"]["scales"]["fw"]
        rounded = (weights + (1 << (fw - bits - 1))) >> (fw - bits)
        proof = pack(kind="release", run=sha(run).hex(), bits=bits, weights=sha(rounded.tobytes()).hex())
        return proof, rounded.astype("<i8").tobytes()

    def _verdict(self, statement):
        return json.dumps(
            {
                "shown": ["The model is what training gives."],
                "not_shown": ["who collected the data"],
                "soundness": [["total", -129.5]],
                "statement": statement,
            }
        )

    def plan_link(self, first, second, relation):
        assert unpack(first)["kind"] == unpack(second)["kind"]
        return ROWS_PER_PROOF

    def link_data(self, first, second, table, secret, progress):
        self.calls.append("link_data")
        progress(1, 1)
        ends = [unpack(side[0])["digest"] for side in (first, second)]
        for side, digest in zip((first, second), ends, strict=True):
            columns = np.ascontiguousarray(table[1].reshape(len(table[1]), -1).T).tobytes()
            assert sha(np.ascontiguousarray(table[0].T).tobytes(), columns, bytes(side[1])).hex() == digest
        return pack(kind="link", ends=ends)

    def link_model(self, config, weights, velocity, first, second, secret, progress):
        self.calls.append("link_model")
        progress(1, 1)
        ends = [unpack(side[0])["digest"] for side in (first, second)]
        for side, digest in zip((first, second), ends, strict=True):
            assert sha(weights.tobytes(), bytes(side[1])).hex() == digest
        return pack(kind="link", ends=ends)

    def link_rows(self, relation, first, second, first_table, second_table, secret, progress):
        self.calls.append("link_rows")
        progress(1, 1)
        return pack(
            kind="link", relation=relation, ends=[unpack(side[0])["digest"] for side in (first, second)]
        )

    def verify_link(self, proof, commitment, to, run, links, nonce, declaration):
        return self._verdict(unpack(proof))

    def plan_report(self, run, model, weights, commitment, table, outputs, request, other):
        self.calls.append("plan_report")
        assert unpack(run)["kind"] == "run"
        shown = [{"Exactly": {"rate": "Accuracy", "group": None, "numerator": 20, "denominator": 40}}]
        return json.dumps(
            {"rows_per_proof": ROWS_PER_PROOF, "group_sizes": [len(table[0])], "rows": 2, "shown": shown}
        )

    def prove_report(
        self, run, weights, velocity, model, data, table, outputs, request, secret, other, tree, progress
    ):
        self.calls.append("prove_report")
        progress(1, 1)
        return pack(kind="report", request=json.loads(request))

    def open_model(self, run, weights, velocity, model, progress):
        self.calls.append("open_model")
        return object()

    def verify_report(self, proof, run, commitment, training, other, links, nonce, declaration):
        words = {"shown": ["a report"], "not_shown": [], "soundness": []}
        return json.dumps({**words, "statement": {"kind": unpack(proof)["kind"], "run": unpack(run)["kind"]}})

    def public_model(self, file, config, bits, names):
        return json.dumps({"bits": bits}), bytes(8)

    def plan_public_report(self, model, weights, commitment, table, outputs, request):
        return self.plan_report(pack(kind="run"), None, weights, commitment, table, outputs, request, None)

    def prove_public_report(self, model, weights, data, table, outputs, request, secret, progress):
        return self.prove_report(
            None, weights, None, None, data, table, outputs, request, secret, None, None, progress
        )

    def verify_public_report(self, proof, model, commitment, released, training, links, nonce, declaration):
        words = {"shown": ["a report"], "not_shown": [], "soundness": []}
        return json.dumps({**words, "statement": {"kind": unpack(proof)["kind"]}})

    def verify_commitment(self, file):
        self.calls.append("verify_commitment")
        return self._verdict(unpack(file))

    def verify_run(self, proof, commitment, links, nonce, declaration):
        told = unpack(proof)
        if commitment is not None and unpack(commitment)["digest"] != told["statement"]["data"]:
            raise Failure("rejected", "DataCommitment", "data", "the proof is about other data")
        for position, chunk in enumerate(told["chunks"]):
            if chunk["index"] != position:
                raise Failure("rejected", "ChunkOrder", "proof", f"chunk {position}: wrong place")
        return self._verdict(told)

    def verify_release(self, proof, run, model, commitment, links, nonce, declaration):
        told = unpack(proof)
        if told["run"] != sha(run).hex():
            raise Failure("rejected", "RunDigest", "configuration", "the release is of another run")
        length = int.from_bytes(model[:8], "little")
        header = json.loads(model[8 : 8 + length])
        if not all(entry["dtype"] == "F32" for entry in header.values()):
            raise Failure("rejected", "Weights", "model", "other weights")
        return self._verdict(told)

    def instruction_set(self):
        return "double"

    def file_kind(self, file):
        return unpack(file)["kind"]

    def describe(self, file, run, other, links):
        return self._verdict(unpack(file))
