"""The benchmarks run, on a workload that shows nothing else; figures are made from what they write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benches import plots, proving, workers
from benches.growth import exponent

CURVE = {
    "width": [
        {"x": x, "prove_seconds": 0.01 * x, "torch_seconds": 1e-4 * x**2, "verify_ms": 7.0} for x in (64, 128)
    ]
}


def test_a_workload_becomes_a_line_of_json_and_a_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    source = tmp_path / "figures" / "proving.json"
    proving.main(["--only", "tiny 4-3-2", "--json", str(source)])
    (row,) = json.loads(source.read_text())
    assert row["name"] == "tiny 4-3-2" and row["steps"] == 8 and row["chunks"] == 1
    assert all(row[key] > 0 for key in ("torch_seconds", "prove_seconds", "verify_ms", "peak_memory"))
    assert "prove/torch" in capsys.readouterr().out
    plots.main([str(source)])
    svg, png = (source.with_suffix(end) for end in (".svg", ".png"))
    assert capsys.readouterr().out.split() == [str(svg), str(png)]
    assert "tiny 4-3-2, 8 steps" in svg.read_text() and png.read_bytes().startswith(b"\x89PNG")


def test_growth_is_drawn_with_its_exponents(tmp_path: Path) -> None:
    assert exponent([(64, 0.64), (128, 1.28)]) == pytest.approx(1)
    source = tmp_path / "growth.json"
    source.write_text(json.dumps(CURVE))
    (tmp_path / "to").mkdir()
    svg, _ = plots.draw(source, tmp_path / "to")
    drawn = svg.read_text()
    for label in ("prove, exponent 1.00", "train in PyTorch, exponent 2.00", "verify, exponent 0.00", "width"):
        assert label in drawn
    assert svg.read_bytes() == plots.draw(source, tmp_path / "to")[0].read_bytes(), "the same from the same"


def test_workers_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    workers.main(["--chunks", "2", "--on", "processes", "--json", str(tmp_path / "workers.json")])
    one, two = json.loads((tmp_path / "workers.json").read_text())
    assert (one["workers"], two["workers"], one["chunks"]) == (1, 2, 2)
    assert 0 < two["owner_seconds_a_chunk"] < two["seconds"] and two["efficiency"] > 0
    assert "processes: 2 chunks, one worker" in capsys.readouterr().out
