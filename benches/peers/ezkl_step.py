"""One SGD step of a perceptron as a circuit of ezkl: set-up, proof and verification, timed; prints JSON.

    python ezkl_step.py INPUTS HIDDEN OUTPUTS BATCH

Runs in an environment of its own (requirements.txt beside it). The key of the polynomial commitment is made
here, by whoever could then forge proofs, and is not part of the times.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezkl
import numpy as np
import onnx
from onnx import TensorProto, helper

LR = 0.125


def step(inputs: int, hidden: int, outputs: int, batch: int) -> Any:
    """Forward, cross-entropy gradient, backward and update, as an ONNX graph: parameters in, parameters out."""
    shapes = {
        "x": [batch, inputs],
        "y": [batch, outputs],
        "w1": [inputs, hidden],
        "b1": [1, hidden],
        "w2": [hidden, outputs],
        "b2": [1, outputs],
    }
    nodes: list[Any] = []

    def node(operation: str, sources: list[str], name: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operation, sources, [name], **attributes))
        return name

    node("MatMul", ["x", "w1"], "xw")
    node("Add", ["xw", "b1"], "z1")
    node("Relu", ["z1"], "a1")
    node("MatMul", ["a1", "w2"], "aw")
    node("Add", ["aw", "b2"], "z2")
    node("Softmax", ["z2"], "p", axis=1)
    node("Sub", ["p", "y"], "d2")
    node("Greater", ["z1", "zero"], "mask")
    node("Cast", ["mask"], "slope", to=TensorProto.FLOAT)
    node("Transpose", ["w2"], "w2t", perm=[1, 0])
    node("MatMul", ["d2", "w2t"], "back")
    node("Mul", ["back", "slope"], "d1")
    for layer, source, gradient in (("1", "x", "d1"), ("2", "a1", "d2")):
        node("Transpose", [source], f"t{layer}", perm=[1, 0])
        node("MatMul", [f"t{layer}", gradient], f"gw{layer}")
        node("ReduceSum", [gradient, "rows"], f"gb{layer}", keepdims=1)
        for kind in ("w", "b"):
            node("Mul", [f"g{kind}{layer}", "rate"], f"r{kind}{layer}")
            node("Sub", [f"{kind}{layer}", f"r{kind}{layer}"], f"new_{kind}{layer}")
    constants = [
        helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("rate", TensorProto.FLOAT, [1], [LR / batch]),
        helper.make_tensor("rows", TensorProto.INT64, [1], [0]),
    ]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    after = [
        helper.make_tensor_value_info(f"new_{n}", TensorProto.FLOAT, shapes[n])
        for n in ("w1", "b1", "w2", "b2")
    ]
    graph = helper.make_graph(nodes, "step", values, after, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model, shapes


def timed(work: Callable[[], Any]) -> float:
    """Seconds."""
    start = time.perf_counter()
    if work() is False:
        raise SystemExit("ezkl refused its own work")
    return time.perf_counter() - start


def main(inputs: int, hidden: int, outputs: int, batch: int) -> None:
    """Prove one step; prints the times."""
    rng = np.random.default_rng(0)
    model, shapes = step(inputs, hidden, outputs, batch)
    values = {name: 0.3 * rng.normal(size=shape).clip(-3, 3) for name, shape in shapes.items()}
    values["y"] = np.eye(outputs)[rng.integers(0, outputs, batch)]
    with tempfile.TemporaryDirectory() as directory:
        at = {
            n: str(Path(directory) / n)
            for n in ("model.onnx", "data", "settings", "compiled", "srs", "vk", "pk")
        }
        witness, proof = str(Path(directory) / "witness"), str(Path(directory) / "proof")
        onnx.save(model, at["model.onnx"])
        Path(at["data"]).write_text(
            json.dumps({"input_data": [v.reshape(-1).tolist() for v in values.values()]})
        )
        ezkl.gen_settings(at["model.onnx"], at["settings"])
        ezkl.calibrate_settings(at["data"], at["model.onnx"], at["settings"], "resources")
        ezkl.compile_circuit(at["model.onnx"], at["compiled"], at["settings"])
        settings = json.loads(Path(at["settings"]).read_text())
        ezkl.gen_srs(at["srs"], settings["run_args"]["logrows"])
        ezkl.gen_witness(at["data"], at["compiled"], witness)
        setup = timed(lambda: ezkl.setup(at["compiled"], at["vk"], at["pk"], at["srs"]))
        prove = timed(lambda: ezkl.prove(witness, at["compiled"], at["pk"], proof, at["srs"]))
        verify = timed(lambda: ezkl.verify(proof, at["settings"], at["vk"], at["srs"]))
        told = {
            "version": ezkl.__version__ if hasattr(ezkl, "__version__") else "",
            "logrows": settings["run_args"]["logrows"],
            "setup_seconds": setup,
            "prove_seconds": prove,
            "verify_seconds": verify,
            "proof_bytes": Path(proof).stat().st_size,
            "key_bytes": Path(at["pk"]).stat().st_size,
            "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:]))
