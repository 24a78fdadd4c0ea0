"""Pages: every kind of file, nothing without a valid proof, and names that try to become something else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tacit
from loan_table import loans
from tacit import session
from tacit.cli import main
from tacit.errors import FileTaken, ProofRejected, UnreadableFile, UsageError
from tacit.html.figures import Bar, bars, steps
from tacit.html.markup import Markup, tag, visible
from tacit.html.names import Names
from tacit.html.numbers import decimal, percent
from tacit.html.page import pictures, render
from tacit.html.verified import Companion, Verified

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
HOSTILE = [
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "</title></style></table><svg onload=alert(1)>",
    "a=b\u202etxt.exe",
    "javascript:alert(1)",
    "<!--",
    "&lt;b&gt;\x00\x1b[2J",
]
"""Eight names of columns, as `table` has them after encoding, which try to leave their place."""


class Elements(HTMLParser):
    """Every element with its attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


ALLOWED = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "footer",
        "section",
        "h1",
        "h2",
        "h3",
        "p",
        "span",
        "strong",
        "small",
        "sup",
        "div",
        "ul",
        "ol",
        "li",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "pre",
        "dl",
        "dt",
        "dd",
        "figure",
        "svg",
        "desc",
        "g",
        "rect",
        "line",
        "path",
        "text",
        "tspan",
    ]
)
ATTRIBUTES = frozenset(
    [
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "style",
        "scope",
        "colspan",
        "xmlns",
        "viewbox",
        "width",
        "height",
        "role",
        "aria-label",
        "font-family",
        "x",
        "y",
        "x1",
        "y1",
        "x2",
        "y2",
        "rx",
        "d",
        "fill",
        "fill-opacity",
        "stroke",
        "stroke-width",
        "stroke-dasharray",
        "font-size",
        "font-weight",
        "text-anchor",
        "dx",
        "transform",
    ]
)


def harmless(page: str) -> Elements:
    """The page has no other elements and attributes than these, and nothing of it runs or is fetched."""
    read = Elements(page)
    assert {name for name, _ in read.found} <= ALLOWED
    assert {key for _, attributes in read.found for key in attributes} <= ATTRIBUTES
    for _, attributes in read.found:
        assert re.fullmatch(r"(background:rgba\([\d.,]+\)|width:[\d.]+%)?", attributes.get("style") or "")
    assert "url(" not in page
    assert "@import" not in page
    # One namespace, which nothing fetches, and no other address.
    assert set(re.findall(r"\w+://[^\"]*", page)) <= {"http://www.w3.org/2000/svg"}
    for char in page:
        assert char == "\n" or visible(char) == char
    return read


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a file of every kind, all about one run; names are published."""
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("TACIT_PASSPHRASE", raising=False)
        options: dict[str, Any] = {"vault": folder / "bank.vault", "publish_names": True, "quiet": True}
        text = ("sex", "region")
        train = tacit.commit(loans(1, 200), "good", name="train", categorical=text, **options)
        test = tacit.commit(loans(2, 150), "good", name="test", schema=train.schema, **options)
        fitted = tacit.fit(
            train,
            hidden=[5],
            epochs=4,
            batch_size=32,
            lr=0.125,
            init_seed=2,
            lr_schedule=lambda e: 1.0 if e < 2 else 0.5,
        )
        run = tacit.run_of(fitted)
        tacit.prove(run, quiet=True).save(folder / "run.tacit")

        def report(name: str, **asked: Any) -> None:
            tacit.evaluate(run, test, quiet=True, **asked).save(folder / name)

        report("counts.tacit", metrics=["confusion"], by="region")
        report(
            "bounds.tacit",
            by="sex",
            at_least={"accuracy": Fraction(1, 3)},
            at_least_each={"recall": "0.1"},
            gap_at_most={"equalised_odds": "0.9"},
        )
        tacit.predict(run, loans(5, 3).drop(columns="good"), quiet=True).save(folder / "prediction.tacit")
        tacit.predict(run, data=test, rows=[7], quiet=True).save(folder / "one.tacit")
        release = tacit.release(run, data_is_public=True, quiet=True)
        release.save(folder / "model.safetensors", folder / "release.tacit")
        yield folder


TRAINING = {"run": "run.tacit", "training": "train.commitment"}
CASES: dict[str, dict[str, str]] = {
    "train.commitment": {},
    "run.tacit": {"data": "train.commitment"},
    "release.tacit": {"run": "run.tacit", "model": "model.safetensors", "data": "train.commitment"},
    "counts.tacit": {**TRAINING, "data": "test.commitment"},
    "bounds.tacit": {**TRAINING, "data": "test.commitment"},
    "prediction.tacit": TRAINING,
    "one.tacit": {**TRAINING, "data": "test.commitment"},
}


def page_of(bank: Path, name: str, **changed: Any) -> tacit.HtmlReport:
    held = {option: bank / file for option, file in CASES[name].items()}
    return tacit.html_report(bank / name, checked=NOW, **{**held, **changed})


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_file_has_a_page(bank: Path, name: str) -> None:
    made = page_of(bank, name)
    read = harmless(made.content)
    text = " ".join(read.text.split())
    # What was shown and what was not, word for word but for the digests, which are set in groups.
    joined = re.sub(r"(?<=[0-9a-f]{8}) (?=[0-9a-f]{8})", "", text)
    for line in (*made.verdict.shown, *made.verdict.not_shown):
        assert " ".join(line.split()) in joined
    for term, _ in made.verdict.soundness:
        assert term in text
    assert "4 March 2026, 05:06 UTC" in text
    assert "This page is no proof." in text
    for file in [name, *CASES[name].values()]:
        assert file in text
    for svg in made.pictures.values():
        assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert made.verdict == tacit.verify(bank / name, **{k: bank / v for k, v in CASES[name].items()})


@pytest.mark.parametrize("name", CASES)
def test_the_command_on_the_page_checks_the_file(
    bank: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (command,) = re.findall(r"<pre><code>(.*?)</code></pre>", page_of(bank, name).content)
    assert command.split()[:2] == ["tacit", "verify"]
    monkeypatch.chdir(bank)
    assert main(command.split()[1:]) == 0


def test_figures_are_those_of_the_statement(bank: Path) -> None:
    made = page_of(bank, "counts.tacit")
    text = " ".join(Elements(made.content).text.split())
    report = made.verdict.statement["report"]
    (counts,) = [item["Counts"]["counts"] for item in report["shown"] if "Counts" in item]
    tables = [counts[g * 4 : g * 4 + 4] for g in range(3)]
    total = [sum(cells) for cells in zip(*tables, strict=True)]
    right = total[0] + total[3]
    assert f"{percent(Fraction(right, 150))}accuracy{right} of 150" in text
    # The groups by the owner's names: the indicators of a category in the order of its columns.
    names = made.verdict.statement["report"]["input"]["data"]["names"]
    for group, (values, cells) in enumerate(zip(report["groups"]["values"], tables, strict=True)):
        hot = names[report["groups"]["columns"][values.index(256)]]
        title = hot.replace("=", " = ")
        assert f"{title} (group {group}), {sum(cells)} rows" in text
        assert f"{cells[0] + cells[3]} of {sum(cells)}" in text
    assert "demographic parity of class 1: yes" in text
    assert "1: yes" in text
    assert "balanced accuracy" in text
    assert list(made.pictures) == ["rates", "learning-rate"]


def test_bounds_are_told_as_bounds(bank: Path) -> None:
    made = page_of(bank, "bounds.tacit")
    text = " ".join(Elements(made.content).text.split())
    # 1/3 is rounded down: no more is shown than holds.
    assert "at least 33.33 %1/3" in text.replace(" 1/3", "1/3")
    assert "at least 10 %" in text
    assert "at most 90 %" in text
    assert "difference of the false positive rate of class 1: yes" in text
    assert "accuracy is at least 1/3, and nothing more about it" in text
    assert not re.search(r"\d+ of 150", text)


def test_predictions_are_told_by_row(bank: Path) -> None:
    made = page_of(bank, "prediction.tacit")
    text = " ".join(Elements(made.content).text.split())
    (values,) = [item["Outputs"]["values"] for item in made.verdict.statement["report"]["shown"]]
    for row in range(3):
        a, b = values[2 * row : 2 * row + 2]
        assert f"{a}, {b}" in text
        assert ("1: yes" if b > a else "0: no") in text
    table = loans(5, 3)
    cells = re.findall(r"<td class=.num.>(-?\d+\.\d+)</td>", made.content)
    for value in table["income"]:
        # To the precision of eight fractional bits.
        assert min(abs(float(cell) - value) for cell in cells) < 2**-8
    for region in set(table["region"]):
        assert region in text
    one = " ".join(Elements(page_of(bank, "one.tacit").content).text.split())
    assert "The inputs stand in the file" not in one
    assert "1hidden row" in one.replace(" ", "") or "hidden rows" in one


def test_names_that_are_not_given_are_not_needed(bank: Path) -> None:
    """Without the commitment of the rows, classes go by number unless the training data names them."""
    made = page_of(bank, "counts.tacit", data=None)
    text = Elements(made.content).text
    assert "no commitment file was given" in text
    assert "region = north" in text
    (command,) = re.findall(r"<pre><code>(.*?)</code></pre>", made.content)
    assert "--data" not in command


@pytest.mark.parametrize(("classes", "groups"), [(3, 3), (14, 0), (30, 9)])
def test_many_classes_have_a_line_each(bank: Path, classes: int, groups: int) -> None:
    honest = about(bank, "counts.tacit")
    statement = json.loads(json.dumps(dict(honest.verdict.statement)))
    random = np.random.default_rng(classes)
    counts = random.integers(1, 99, size=(max(1, groups), classes, classes))
    report = statement["report"]
    report["shown"] = [{"Counts": {"counts": counts.flatten().tolist()}}]
    report["groups"] = {"columns": [0], "values": [[g] for g in range(groups)]} if groups else None
    statement["run"]["config"]["architecture"]["layers"][-1]["outputs"] = classes
    made = replace(honest, verdict=replace(honest.verdict, statement=statement))
    text = " ".join(harmless(render(made)).text.split())
    total = counts.sum(axis=0)
    for c in range(classes):
        right, labelled, predicted = int(total[c, c]), int(total[c].sum()), int(total[:, c].sum())
        recall, precision = Fraction(right, labelled), Fraction(right, predicted)
        shown = f"{percent(recall)}{right:,} of {labelled:,}{percent(precision)}{right:,} of {predicted:,}"
        assert shown in text
    assert ("demographic parity" in text) == bool(groups)
    assert ("too many for a page" in text) == (groups * classes**2 > 6000)
    assert "recall of each class" in pictures(made)["rates"].lower()
    if groups:
        share = [Fraction(int(t[:, 0].sum()), int(t.sum())) for t in counts]
        assert percent(max(share) - min(share)) in text


def test_what_a_reader_must_not_miss_stands_on_top(bank: Path) -> None:
    missing = "The data commitment was not given"
    renamed = "names of columns or classes differ"
    for name in CASES:
        page = page_of(bank, name).content
        assert missing not in page
        assert renamed not in page
    for name in ("run.tacit", "release.tacit", "counts.tacit", "one.tacit"):
        assert missing in page_of(bank, name, data=None).content
    honest = about(bank, "counts.tacit")
    statement = json.loads(json.dumps(honest.verdict.statement))
    record = statement["report"]["input"]["data"]
    document = honest.schemas[bytes(record["schema"]).hex()]
    # Rows under a schema of their own.
    record["schema"] = [7] * 32
    other = replace(honest, verdict=replace(honest.verdict, statement=statement))
    for changed in (["yes", "no"], ["no", "maybe"]):
        own = {**document, "names": document["names"] | {"classes": changed}}
        assert renamed in render(replace(other, schemas={**honest.schemas, bytes([7] * 32).hex(): own}))
    assert renamed not in render(honest)


# Rejected, unreadable, wrong usage: no page


def test_there_is_no_page_of_a_rejected_file(
    bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bank)
    page = tmp_path / "page.html"
    companions = ["--run", "run.tacit", "--data", "test.commitment", "--training", "train.commitment"]
    content = (bank / "counts.tacit").read_bytes()
    broken = tmp_path / "broken.tacit"

    def report(*arguments: str) -> int:
        return main(["report", *arguments, "--html", str(page)])

    broken.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    assert report(str(broken), *companions) == 1
    broken.write_bytes(content[:-1])
    assert report(str(broken), *companions) == 3
    assert report("counts.tacit", *companions[:4]) == 2
    assert report("counts.tacit", "--run", "run.tacit", "--data", "train.commitment") == 1
    assert report("counts.tacit", "--data", "test.commitment") == 2
    assert report("none.tacit") == 3
    assert report("run.tacit", "--nonce", "12") == 2
    assert report("run.tacit", "--nonce", "12" * 32) == 1
    assert report("release.tacit") == 2
    assert not page.exists()
    with pytest.raises(ProofRejected):
        tacit.html_report(bank / "run.tacit", data=bank / "test.commitment")
    with pytest.raises(UnreadableFile):
        tacit.html_report(bank / "none.tacit")
    assert report("counts.tacit", *companions) == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_page_does_not_replace_what_it_was_made_from(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bank)
    before = (bank / "run.tacit").read_bytes()
    assert main(["report", "run.tacit", "--html", "run.tacit"]) == 2
    os.link(bank / "run.tacit", bank / "other-name.html")
    assert main(["report", "run.tacit", "--html", "other-name.html"]) == 2
    assert main(["report", "run.tacit", "--data", "train.commitment", "--html", "./train.commitment"]) == 2
    with pytest.raises(UsageError, match="another name"):
        tacit.html_report(bank / "run.tacit").save(bank / "run.tacit")
    assert (bank / "run.tacit").read_bytes() == before


def test_a_page_does_not_replace_another_file(bank: Path, tmp_path: Path) -> None:
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    assert main(["report", str(bank / "run.tacit"), "--html", str(mine)]) == 2
    with pytest.raises(FileTaken, match="exists already"):
        tacit.html_report(bank / "run.tacit").save(mine)
    assert mine.read_text() == "mine"
    assert main(["report", str(bank / "run.tacit"), "--html", str(mine), "--force"]) == 0
    assert mine.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_bytes_that_were_checked_are_those_that_are_told(bank: Path, tmp_path: Path) -> None:
    """A file is read once: one that changes after it was read changes nothing."""
    reads: list[str] = []
    import tacit.verifying as verifying

    original = verifying.read_limited
    with pytest.MonkeyPatch.context() as patch:

        def counted(path: Any, **options: Any) -> bytes:
            reads.append(os.fspath(path))
            return original(path, **options)

        patch.setattr(verifying, "read_limited", counted)
        page_of(bank, "counts.tacit")
    assert len(reads) == len(set(reads)) == 4


# Hostile names


def about(bank: Path, name: str) -> Verified:
    held = {option: bank / file for option, file in CASES[name].items()}
    verdict = tacit.verify(bank / name, **held)
    schemas = {}
    for file in ("train.commitment", "test.commitment"):
        told = session.describe((bank / file).read_bytes()).statement
        schemas[bytes(told["record"]["schema"]).hex()] = told["schema"]
    return Verified(verdict, [Companion.of("the proof", "", name, b"")], schemas, "1", NOW, 0.1)


def poisoned(value: Any, texts: list[str]) -> Any:
    """A statement or schema with every text of the owner replaced."""
    if not isinstance(value, dict):
        return value
    return {key: _poison(key, item, texts) for key, item in value.items()}


def _poison(key: str, item: Any, texts: list[str]) -> Any:
    if key in ("names", "released", "classes") and isinstance(item, list):
        if all(isinstance(i, str) for i in item):
            return [texts[i % len(texts)] for i in range(len(item))]
        return [[texts[i % len(texts)], texts[(i + 1) % len(texts)]] for i in range(len(item))]
    return poisoned(item, texts)


@pytest.mark.parametrize("name", CASES)
def test_names_cannot_become_elements(bank: Path, name: str) -> None:
    honest = about(bank, name)
    verdict = honest.verdict
    lines = tuple(f"{line} {text}" for line, text in zip(verdict.shown, HOSTILE * 9, strict=False))
    changed = replace(
        honest,
        verdict=replace(
            verdict,
            shown=lines,
            not_shown=tuple(HOSTILE),
            soundness=tuple((text, -130.0) for text in HOSTILE),
            statement=poisoned(dict(verdict.statement), HOSTILE),
        ),
        schemas={key: poisoned(schema, HOSTILE) for key, schema in honest.schemas.items()},
        files=[Companion(text, "", text, 3, "00" * 32) for text in HOSTILE],
        version=SCRIPT,
    )
    page = render(changed)
    read = harmless(page)
    assert "<script" not in page.lower()
    assert [n for n, _ in read.found if n in ("img", "script", "iframe", "a", "link", "form")] == []
    # The names are there, as text.
    assert SCRIPT in read.text
    assert "\\u{202e}" in read.text
    assert "\\u{1b}" in read.text
    for svg in pictures(changed).values():
        for element in ElementTree.fromstring(svg).iter():
            assert element.tag.split("}")[1] in ALLOWED
            assert {key.lower() for key in element.attrib} <= ATTRIBUTES


def test_hostile_names_can_be_committed_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    frame = loans(3, 60)
    frame.columns = ["income", SCRIPT, "'\"&", "sex", "region", "good"]
    frame["good"] = np.where(frame["good"] == "yes", "</td><b>yes", "no")
    data = tacit.commit(
        frame,
        "good",
        vault=tmp_path / "x.vault",
        categorical=("sex", "region"),
        publish_names=True,
        quiet=True,
    )
    path = tmp_path / "<img src=x onerror=alert(1)>.commitment"
    data.save(path)
    made = tacit.html_report(path)
    read = harmless(made.content)
    assert SCRIPT in read.text
    assert "</td><b>yes" in read.text
    assert path.name in read.text
    assert "<script" not in made.content


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        "text",
        {"names": 3, "features": "x", "target": []},
        {
            "names": {"classes": [1, None], "target": {}},
            "features": [{"count": 10**12, "offset": 0, "divisor": 1}],
        },
        {
            "names": {"classes": []},
            "features": [{"count": -1, "offset": 0, "divisor": 1}],
            "target": {"offset": True},
        },
        {"features": [{"count": 8, "offset": 10**400, "divisor": 1}], "target": {"offset": "0", "divisor": 1}},
        {"features": [{"count": 8, "offset": 0}] * 2},
        {"features": [None, 3]},
    ],
)
def test_a_schema_document_may_hold_anything(bank: Path, schema: Any) -> None:
    """The record binds its hash, and nothing says what it is: what does not fit is left out."""
    honest = about(bank, "prediction.tacit")
    page = render(replace(honest, schemas=dict.fromkeys(honest.schemas, schema)))
    text = harmless(page).text
    assert "class 0" in text
    assert "(scaled)" in text


def test_indicators_are_told_as_categories_only_if_they_are() -> None:
    names = Names(8, features=("sex=f", "sex=m", "age"), scales=((0.0, 1.0), (0.0, 1.0), (40.0, 10.0)))
    assert names.row(range(3), [0, 256, 128]) == [("sex", "m"), ("age", "45")]
    for odd in ([256, 256, 0], [0, 0, 0], [0, 128, 0]):
        assert [name for name, _ in names.row(range(3), odd)] == ["sex=f", "sex=m", "age"]
    assert names.group([2], [0]) == "age = 40"
    many = Names(0)
    assert many.group(range(12), range(12)).endswith("feature 7 = 7 (scaled) and 4 more")


# Parts


def test_markup_escapes_all_but_itself() -> None:
    assert tag("p", "<b>", Markup("<i/>"), None, 3) == "<p>&lt;b&gt;<i/>3</p>"
    assert tag("p", class_='"><b>') == '<p class="&quot;&gt;&lt;b&gt;"></p>'
    # Formatting markup gives a plain text again, which is escaped.
    assert tag("p", f"{Markup('<i>')}") == "<p>&lt;i&gt;</p>"
    assert visible("a\u202eb\x00") == "a\\u{202e}b\\u{0}"
    assert visible("x" * 5000).endswith("... (5,000 characters)")


def test_bounds_are_never_rounded_to_more_than_they_say() -> None:
    assert percent(Fraction(2, 3)) == "66.67 %"
    assert percent(Fraction(2, 3), bound="least") == "66.66 %"
    assert percent(Fraction(1, 3), bound="most") == "33.34 %"
    assert percent(Fraction(9, 10), bound="least") == "90 %"
    assert percent(Fraction(0), bound="least") == "0 %"
    assert decimal(Fraction(-1, 8), 2) == "-0.12"
    assert decimal(Fraction(-3), 1) == "-3.0"
    assert decimal(Fraction(12345, 10)) == "1,234.5000"


def test_pictures_say_in_words_what_they_show() -> None:
    made = bars("Accuracy", [Bar("all", Fraction(1, 2), all_rows=True), Bar("x", Fraction(1, 3), bound=True)])
    root = ElementTree.fromstring(made)
    assert root.get("aria-label") == "Accuracy. all: 50.00 %; x: at least 33.33 %"
    drawn = steps("Rate", [(10, 0.5), (20, 0.25)], "steps")
    assert "0.5 for 10 steps; 0.25 for 20 steps" in drawn
    assert "M62.0 34.0" in drawn


def test_a_page_needs_neither_torch_nor_numpy_nor_secrets(bank: Path) -> None:
    code = """
import sys, tacit
from tacit.cli import main
code = main(["report", *sys.argv[1:]])
loaded = [m for m in ("torch", "numpy", "pandas", "cryptography", "rich") if m in sys.modules]
assert not loaded, loaded
sys.exit(code)
"""
    arguments = ["counts.tacit", "--html", "page.html", "--data", "test.commitment"]
    for option, file in TRAINING.items():
        arguments += [f"--{option}", file]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=bank,
        env={**os.environ, "PYTHONPATH": str(Path(tacit.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (bank / "page.html").stat().st_size < 100_000
    assert json.dumps(done.stdout.strip()) == '"VALID: page.html"'
