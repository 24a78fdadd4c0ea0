"""The stub of the compiled module says what the module has, and the session calls nothing else."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from native_double import NativeDouble
from tacit import _native, session

STUB = ast.parse(Path(session.__file__).with_name("_native.pyi").read_text())
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}


def module_functions() -> dict[str, object]:
    return {name: value for name, value in vars(_native).items() if inspect.isbuiltin(value)}


def test_stub_and_module_have_the_same_functions_and_parameters() -> None:
    module = module_functions()
    assert set(FUNCTIONS) == set(module)
    for name, node in FUNCTIONS.items():
        expected = [argument.arg for argument in node.args.args]
        assert not node.args.defaults
        assert list(inspect.signature(module[name]).parameters) == expected, name  # type: ignore[arg-type]


def test_the_failure_has_the_fields_of_the_stub() -> None:
    classes = [node for node in STUB.body if isinstance(node, ast.ClassDef)]
    (failure,) = (node for node in classes if node.name == "Failure")
    fields = [node.target.id for node in failure.body if isinstance(node, ast.AnnAssign)]  # type: ignore[union-attr]
    assert failure.name == "Failure"
    with pytest.raises(_native.Failure) as raised:
        _native.describe(b"nothing of ours", None, None, [])
    assert all(isinstance(getattr(raised.value, field), str) for field in fields)


def test_the_session_calls_every_function_and_no_other() -> None:
    tree = ast.parse(Path(session.__file__).read_text())
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "native"
    }
    assert called == set(FUNCTIONS)


def test_the_double_of_the_tests_has_the_parameters_of_the_module() -> None:
    for name, node in FUNCTIONS.items():
        assert len(inspect.signature(getattr(NativeDouble(), name)).parameters) == len(node.args.args), name


def test_the_kind_of_a_file_is_in_its_first_bytes() -> None:
    start = b"tacit\0" + (1).to_bytes(2, "big")
    kinds = [_native.file_kind(start + bytes([kind])) for kind in range(1, 9)]
    assert kinds == ["data", "run", "release", "model", "statement", "chunk", "report", "link"]
    for other in (b"", b"tacit", start, start + b"\x09", b"other\0" + start[6:] + b"\1"):
        with pytest.raises(_native.Failure) as raised:
            _native.file_kind(other)
        assert (raised.value.category, raised.value.check) == ("unreadable", "format")
    with pytest.raises(_native.Failure) as raised:
        _native.file_kind(b"tacit\0\0\2\1")
    assert raised.value.check == "version"
