"""Tables to integers: what goes in, how it is rounded, what is refused and where the error points."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.dataset import Column, Scale, Schema, Target, quantise
from tacit.dataset.encode import ranges, rounded_scale
from tacit.dataset.fixed_point import quantise_values, window
from tacit.errors import DataError, UnreadableFile, UsageError

X = np.array([[0.5, -1.25], [1.0, 2.0], [-3.5, 0.0]])
Y = np.array([0, 1, 0])


def write_csv(path: Path, rows: list[list[object]]) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


# Rounding and clipping


@settings(max_examples=300, deadline=None)
@given(
    value=st.floats(-1e6, 1e6),
    offset=st.floats(-100, 100),
    divisor=st.floats(1e-3, 1e3),
    fa=st.integers(0, 12),
    bits=st.integers(12, 16),
)
def test_rounding_is_half_up_of_the_float64_quotient(value, offset, divisor, fa, bits):
    integers, _ = quantise_values("c", np.array([value]), Scale(offset, divisor), fa, bits)
    quotient = Fraction((value - offset) / divisor) * 2**fa
    expected = (quotient + Fraction(1, 2)).__floor__()
    assert integers[0] == min(max(expected, -(2 ** (bits - 1))), 2 ** (bits - 1) - 1)


def test_a_sum_with_one_half_that_rounds_does_not_move_the_result():
    just_below = np.nextafter(0.5, 0.0)
    assert quantise_values("c", np.array([just_below]), Scale(), 0, 12)[0][0] == 0
    assert quantise_values("c", np.array([0.5, -0.5, 1.5]), Scale(), 0, 12)[0].tolist() == [1, 0, 2]


def test_clip_interval_is_in_the_columns_own_units():
    scale = Scale(50.0, 10.0, (20.0, 90.0))
    assert window(scale, 8, 12) == (-768, 1024)
    integers, report = quantise_values("age", np.array([5.0, 50.0, 200.0]), scale, 8, 12)
    assert integers.tolist() == [-768, 0, 1024]
    assert (report.clipped_low, report.clipped_high, report.first_clipped_row) == (1, 1, 0)


def test_values_beyond_float64_after_scaling_are_clipped():
    integers, report = quantise_values("c", np.array([1e300, -1e300]), Scale(0, 1e-300), 8, 12)
    assert integers.tolist() == [2047, -2048]
    assert report.clipped == 2


def test_rounding_error_is_reported_in_own_units():
    data = quantise(np.array([[10.0], [13.0]]), [0, 1], schema=Schema({"x0": Column(offset=0, divisor=10)}))
    exact = abs(round(1.3 * 256) / 256 * 10 - 13.0)
    assert data.report.columns[0].max_error == pytest.approx(exact)
    assert "column 'x0'" in str(data.report)


def test_report_names_clipped_columns_and_is_kept_out_of_repr():
    schema = Schema({"x0": Column(offset=0, divisor=1, clip=(0, 1)), "x1": Column(offset=0, divisor=1)})
    data = quantise(X, Y, schema=schema)
    assert "column 'x0': 1 of 3 values clipped" in str(data.report)
    assert "x0" not in repr(data)
    assert "clipped" not in repr(data)


def test_a_column_that_loses_many_values_is_refused_unless_a_clip_was_asked_for():
    x = np.array([[1.0], [2.0], [99.0], [100.0]])
    with pytest.raises(DataError, match=r"column 'x0', row 2: 2 of 4 values lie outside the window") as caught:
        quantise(x, [0, 1, 0, 1], scale="none")
    assert (caught.value.column, caught.value.row) == ("x0", 2)
    asked = quantise(x, [0, 1, 0, 1], schema=Schema({"x0": Column(offset=0, divisor=1, clip=(0, 7))}))
    assert asked.features[:, 0].tolist() == [256, 512, 1792, 1792]


# Scales


def test_auto_keeps_an_array_that_fits_and_lists_the_decision():
    data = quantise(X, Y)
    assert data.features.tolist() == [[128, -320], [256, 512], [-896, 0]]
    assert data.released[0] == "that the numeric columns are kept as they are was decided from their range"


def test_auto_standardises_other_units_and_lists_it():
    data = quantise(X * 1000, Y)
    assert abs(data.features.mean()) < 2
    assert "mean and deviation (three digits) of the input columns 0-1" in data.released


def test_bytes_are_divided_by_255_which_releases_nothing():
    data = quantise(np.array([[0, 255], [51, 0]], dtype=np.uint8), [0, 1], classes=2)
    assert data.features.tolist() == [[0, 256], [51, 0]]
    assert data.released == ()


def test_given_scales_release_nothing():
    schema = Schema({"x0": Column(offset=0, divisor=1), "x1": Column(offset=1, divisor=2)})
    assert quantise(X, Y, schema=schema, classes=[0, 1]).released == ()


def test_derived_scale_has_three_digits():
    mean, deviation = rounded_scale(np.array([1234.5678, 987.654, 1500.1]))
    assert (mean, deviation) == (1241.0, 209.0)


def test_constant_column_becomes_zero():
    frame = pd.DataFrame({"a": [7.25, 7.25, 7.25], "b": [0.1, 0.1, 0.1]})
    assert quantise(frame, Y).features.tolist() == [[0, 0]] * 3


def test_ranges():
    assert ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
    assert ranges([3]) == "3"


def test_complete_schema_treats_other_rows_the_same():
    frame = pd.DataFrame({"age": [20.0, 40.0, 60.0], "sex": ["f", "m", "f"], "ill": ["no", "yes", "no"]})
    first = quantise(frame, "ill", categorical=["sex"])
    again = quantise(frame.iloc[[1]], "ill", schema=first.schema)
    assert again.features.tolist() == first.features[[1]].tolist()
    assert again.labels is not None
    assert again.labels.tolist() == [1]
    assert again.released == ()


def test_schema_round_trip(tmp_path):
    frame = pd.DataFrame({"age": [20.0, 41.0], "sex": ["f", "m"], "on": [True, False], "ill": [0, 1]})
    schema = quantise(frame, "ill", categorical=["sex"]).schema
    assert Schema.from_dict(schema.to_dict()) == schema
    text = """
        fa = 8
        data_bits = 14
        [target]
        name = "ill"
        classes = [0, 1]
        [columns.age]
        offset = 50
        divisor = 10.0
        clip = [0, 120]
        [columns.sex]
        kind = "categorical"
        categories = ["f", "m"]
    """
    (tmp_path / "s.toml").write_text(text)
    loaded = Schema.load(tmp_path / "s.toml")
    data = quantise(frame, schema=loaded)
    assert data.features.tolist() == [[-768, 256, 0], [-230, 0, 256]]
    assert data.data_bits == 14


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"colums": {}}, "unknown entry 'colums'"),
        ({"columns": {"a": {"kind": "number"}}}, "unknown kind 'number'"),
        ({"columns": {"a": {"offset": 1.0}}}, "offset and divisor together"),
        ({"columns": {"a": {"offset": 0, "divisor": 0}}}, "divisor is 0.0, not positive"),
        ({"columns": {"a": {"offset": float("nan"), "divisor": 1}}}, "offset is nan"),
        ({"columns": {"a": {"clip": [2, 1]}}}, "clip interval"),
        ({"columns": {"a": {"clip": [1]}}}, "clip has 1 entries"),
        ({"columns": {"a": {"kind": "categorical", "categories": ["x", "x"]}}}, "given twice"),
        ({"columns": {"a": {"kind": "categorical", "categories": []}}}, "no categories"),
        ({"columns": {"a": {"kind": "boolean", "fill": 1}}}, "only numeric columns have a fill"),
        ({"columns": {"a": {"categories": ["x"]}}}, "only categorical columns"),
        ({"columns": {}}, "no columns"),
        ({"columns": {"a": {"fill": "0"}}}, "fill is '0', not a number"),
        ({"target": {"kind": "clas"}}, "unknown kind 'clas'"),
        ({"target": {"kind": "real", "classes": [1, 2]}}, "no classes"),
        ({"fa": 8.0}, "must be integers"),
        ({"fa": 15}, "between 0 and 14"),
        ({"data_bits": 20}, "between 12 and 16"),
        ({"fa": 11}, "room for 1.0"),
    ],
)
def test_schema_refuses_contradictions(document, problem):
    with pytest.raises(DataError, match=problem):
        Schema.from_dict(document)


def test_schema_file_errors(tmp_path):
    (tmp_path / "s.toml").write_text("fa = ")
    with pytest.raises(UnreadableFile, match="is not TOML"):
        Schema.load(tmp_path / "s.toml")
    with pytest.raises(UnreadableFile, match="cannot read the schema"):
        Schema.load(tmp_path / "none.toml")


# Sources

ROWS = {"age": [31.0, 45.5, 62.0], "smoker": [True, False, True], "group": ["b", "a", "b"], "ill": [1, 0, 1]}


def sources(tmp_path: Path) -> dict[str, object]:
    frame = pd.DataFrame(ROWS)
    polars = pl.DataFrame(ROWS)
    polars.write_parquet(tmp_path / "p.parquet")
    names = list(ROWS)
    table = [names, *[list(row) for row in zip(*ROWS.values(), strict=True)]]
    return {
        "pandas": frame,
        "polars": polars,
        "lazy": polars.lazy(),
        "arrow": polars.to_arrow(),
        "mapping": {k: np.array(v) for k, v in ROWS.items()},
        "parquet": tmp_path / "p.parquet",
        "csv": str(write_csv(tmp_path / "p.csv", table)),
    }


@pytest.mark.parametrize("kind", ["pandas", "polars", "lazy", "arrow", "mapping", "parquet", "csv"])
def test_every_source_gives_the_same_integers(tmp_path, kind):
    expected = quantise(pd.DataFrame(ROWS), "ill", categorical=["group"])
    data = quantise(sources(tmp_path)[kind], "ill", categorical=["group"])
    assert data.features.tolist() == expected.features.tolist()
    assert data.feature_names == ("age", "smoker", "group=a", "group=b")
    assert data.features[:, 1:].tolist() == [[256, 0, 256], [0, 256, 0], [256, 0, 256]]
    assert data.labels is not None
    assert data.labels.tolist() == [1, 0, 1]
    assert (data.label_kind, data.classes) == ("class", 2)


def test_torch_dataset_and_tensors():
    torch = pytest.importorskip("torch")
    images = torch.rand(6, 1, 2, 2)
    labels = torch.arange(6) % 3
    tensors = torch.utils.data.TensorDataset(images, labels)

    class Pairs(torch.utils.data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, row):
            return images[row], int(labels[row])

    expected = quantise(images.numpy(), labels.numpy())
    assert expected.width == 4
    for source in (tensors, Pairs()):
        data = quantise(source)
        assert np.array_equal(data.features, expected.features)
        assert np.array_equal(data.labels, expected.labels)
    assert np.array_equal(quantise(images, labels).features, expected.features)


def test_torch_dataset_problems():
    torch = pytest.importorskip("torch")

    class Bad(torch.utils.data.Dataset):
        def __init__(self, items):
            self.items = items

        def __len__(self):
            return len(self.items)

        def __getitem__(self, row):
            return self.items[row]

    with pytest.raises(DataError, match="row 1 is not an"):
        quantise(Bad([(torch.zeros(2), 0), torch.zeros(2)]))
    with pytest.raises(DataError, match="ragged: the input of row 1"):
        quantise(Bad([(torch.zeros(2), 0), (torch.zeros(3), 0)]))
    with pytest.raises(DataError, match="input is a object"):
        quantise(Bad([(object(), 0)]))
    with pytest.raises(DataError, match="brings its own labels"):
        quantise(Bad([(torch.zeros(2), 0)]), [0])
    with pytest.raises(DataError, match="Dataset is empty"):
        quantise(Bad([]))

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([])

    with pytest.raises(DataError, match="IterableDataset"):
        quantise(Stream())


def test_polars_enum_and_pandas_categorical_bring_their_categories():
    enum = pl.DataFrame({"c": pl.Series(["y", "x", "y"], dtype=pl.Enum(["x", "y", "z"]))})
    categorical = pd.DataFrame({"c": pd.Categorical(["y", "x", "y"], categories=["x", "y", "z"])})
    for source in (enum, categorical):
        data = quantise(source, Y)
        assert data.features.tolist() == [[0, 256, 0], [256, 0, 0], [0, 256, 0]]
        assert not any("categories" in fact for fact in data.released)


def test_declared_categories_keep_their_order_and_derived_ones_are_released():
    frame = pd.DataFrame({"c": ["y", "x", "y"]})
    schema = Schema({"c": Column("categorical", categories=("z", "y", "x"))})
    assert quantise(frame, Y, schema=schema).features.tolist() == [[0, 256, 0], [0, 0, 256], [0, 256, 0]]
    derived = quantise(frame, Y, categorical=["c"])
    assert "number of categories of input column 0: 2" in derived.released


def test_numeric_codes_can_be_categories():
    frame = pd.DataFrame({"c": [3, 1, 2]})
    assert quantise(frame, Y, categorical=["c"]).features.tolist() == [[0, 0, 256], [256, 0, 0], [0, 256, 0]]


def test_fill_takes_the_place_of_missing_values():
    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0]})
    data = quantise(frame, Y, schema=Schema({"a": Column(offset=0, divisor=1, fill=2.0)}))
    assert data.features[:, 0].tolist() == [256, 512, 768]


def test_dropped_columns_and_nullable_types():
    frame = pd.DataFrame(
        {
            "a": pd.array([1, 2, 3], dtype="Int64"),
            "b": pd.array([True, False, True], dtype="boolean"),
            "id": list("xyz"),
        }
    )
    data = quantise(frame, Y, drop=["id"])
    assert data.feature_names == ("a", "b")
    frame.loc[1, "a"] = pd.NA
    with pytest.raises(DataError, match="column 'a', row 1: the value is missing"):
        quantise(frame, Y, drop=["id"])


def test_values_are_exact_and_arrays_are_read_only():
    data = quantise(X, Y)
    assert np.array_equal(data.values() * 256, data.features)
    with pytest.raises(ValueError, match="read-only"):
        data.features[0, 0] = 1
    assert data.labels is not None
    with pytest.raises(ValueError, match="read-only"):
        data.labels[0] = 1


# Refusals


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("x", "y", "problem", "column", "row"),
    [
        (np.array([[1.0, 2.0], [3.0, np.nan]]), [0, 1], "missing or NaN", "x1", 1),
        (np.array([[1.0, np.inf], [3.0, 2.0]]), [0, 1], "infinite", "x1", 0),
        (table(a=[1.0, None]), [0, 1], "missing or NaN", "a", 1),
        (table(a=[10**400, 1]), [0, 1], "infinite", "a", 0),
        ([[1.0, 2.0], [3.0]], [0, 1], "ragged: row 1 has 1 values, row 0 has 2", None, 1),
        ([[1.0], 2.0], [0, 1], "ragged: row 1 has a single value", None, 1),
        (np.zeros((0, 3)), [], "is empty", None, None),
        (np.zeros((3, 0)), [0, 1, 0], "is empty", None, None),
        ([], [], "is empty", None, None),
        (np.float64(3.0), [0], "pass an array", None, None),
        (table(a=["x", "y"]), [0, 1], "'x' is not a number; make it categorical", "a", 0),
        (table(a=["1", "2", "oops"]), [0, 1, 0], "'oops' is not a number", "a", 2),
        (table(a=pd.to_datetime(["2020-01-01", "2020-01-02"])), [0, 1], "a date", "a", None),
        (np.array([[1j]]), [0], "complex", "x0", None),
        (X, [0, 1], "2 labels for 3 rows", None, None),
        (X, [0, None, 1], "label is missing", "y", 1),
        (X, np.array([0.0, 1.0, np.nan]), "missing or NaN", "y", 2),
        (X, ["a", "b", None], "label is missing", "y", 2),
        (X, [[0], [1], [2, 3]], "ragged", None, 2),
        (X, [0, 0, 0], "has 1 classes", "y", None),
        (object(), [0], "is a object; pass an array", None, None),
        (pl.DataFrame({"a": [[1], [2]]}), [0, 1], "nested", "a", None),
    ],
)
def test_bad_data_is_refused_with_its_place(x, y, problem, column, row):
    with pytest.raises(DataError, match=problem) as caught:
        quantise(x, y)
    assert (caught.value.column, caught.value.row) == (column, row)


@pytest.mark.parametrize(
    ("y", "options", "problem", "row"),
    [
        ([0, 1, 2], {"classes": 2}, "2 is not one of the classes 0, 1", 2),
        ([0, 1, -1], {"classes": 2}, "-1 is not one of the classes", 2),
        (["a", "b", "c"], {"classes": ["a", "b"]}, "'c' is not one of the classes 'a', 'b'", 2),
        (np.array([0.0, 0.5, 1.0]), {"label_kind": "class"}, "0.5 is not a class index", 1),
        ([0, 1, 2], {"label_kind": "binary"}, "2.0 is neither 0 nor 1", 2),
        ([[0, 1], [1, 3], [0, 0]], {"label_kind": "binary"}, "3.0 is neither 0 nor 1", 1),
        ([[0, 1], [1, 0], [0, 0]], {"label_kind": "class"}, "class labels are one column", None),
        (["a", "b", "c"], {"label_kind": "real"}, "'a' is not a number", 0),
        ([("a",), 1, "b"], {}, "labels have no order", None),
    ],
)
def test_wrong_labels_are_refused(y, options, problem, row):
    labels = y
    if isinstance(y[0], tuple):
        labels = np.empty(len(y), dtype=object)
        labels[:] = y
    with pytest.raises(DataError, match=problem) as caught:
        quantise(X, labels, **options)
    assert caught.value.row == row


def test_too_many_classes_suggest_a_real_target():
    x = np.linspace(0, 1, 70).reshape(-1, 1)
    with pytest.raises(DataError, match=r"70 classes; between 2 and 64 are possible; .*kind 'real'"):
        quantise(x, np.arange(70))


def test_unhashable_and_dict_mistakes():
    with pytest.raises(DataError, match="no column 'z'; it has a"):
        quantise(table(a=[1, 2]), "z")
    with pytest.raises(DataError, match="no column 'z'"):
        quantise(table(a=[1, 2]), [0, 1], drop=["z"])
    with pytest.raises(DataError, match="declared categorical but is no input"):
        quantise(table(a=[1, 2], b=[0, 1]), "b", categorical=["b"])
    with pytest.raises(DataError, match="two columns 'a'"):
        quantise(pd.DataFrame([[1, 2]], columns=["a", "a"]), [0])
    with pytest.raises(DataError, match="has no columns"):
        quantise(table(a=[1, 2]), "a")
    with pytest.raises(DataError, match="scale is 'minmax'"):
        quantise(X, Y, scale="minmax")
    with pytest.raises(UsageError, match=r"neither in \.csv"):
        quantise("data.xlsx", "y")


def test_boolean_column_of_a_schema_refuses_other_numbers():
    with pytest.raises(DataError, match=r"column 'a', row 1: 2\.0 is neither 0 nor 1"):
        quantise(table(a=[1, 2]), [0, 1], schema=Schema({"a": Column("boolean")}))


def test_unknown_category_is_refused_with_row():
    schema = Schema({"c": Column("categorical", categories=("x",))})
    with pytest.raises(DataError, match="column 'c', row 1: 'y' is not one of the categories 'x'"):
        quantise(table(c=["x", "y"]), [0, 1], schema=schema)
    with pytest.raises(DataError, match="column 'c', row 0: the value is missing"):
        quantise(table(c=[None, "x"]), [0, 1], schema=schema)


# Labels


@pytest.mark.parametrize(
    ("y", "kind", "classes", "values"),
    [
        ([5, 7, 5], "class", 2, [0, 1, 0]),
        (["b", "a", "b"], "class", 2, [1, 0, 1]),
        ([True, False, True], "class", 2, [1, 0, 1]),
        (np.array([1.0, 0.0, 1.0]), "binary", 0, [[1], [0], [1]]),
        (np.array([[1, 0], [0, 0], [1, 1]]), "binary", 0, [[1, 0], [0, 0], [1, 1]]),
        (np.array([0.5, -1.0, 2.25]), "real", 0, [[128], [-256], [576]]),
        (np.array([[0.5, 1.5], [1.0, 0.0], [0, 0]]), "real", 0, [[128, 384], [256, 0], [0, 0]]),
    ],
)
def test_label_kind_follows_the_type(y, kind, classes, values):
    data = quantise(X, y)
    assert (data.label_kind, data.classes) == (kind, classes)
    assert data.labels is not None
    assert data.labels.tolist() == values
    assert data.labels.dtype == np.int64


def test_labels_can_be_any_hashable_in_a_given_order():
    y = np.empty(3, dtype=object)
    y[:] = [("m", 1), ("f", 2), ("m", 1)]
    data = quantise(X, y, classes=[("f", 2), ("m", 1)])
    assert data.labels is not None
    assert data.labels.tolist() == [1, 0, 1]
    assert Schema.from_dict(data.schema.to_dict()).target.classes == ("('f', 2)", "('m', 1)")


def test_text_classes_can_be_a_binary_target():
    data = quantise(X, ["no", "yes", "no"], label_kind="binary", classes=["no", "yes"])
    assert data.labels is not None
    assert data.labels.tolist() == [[0], [1], [0]]


def test_real_targets_are_standardised_and_listed():
    data = quantise(X, np.array([100.5, 250.0, 300.25]))
    assert data.target_scale is not None
    assert data.target_scale.divisor == 84.8
    assert "mean and deviation of the targets (three digits)" in data.released


def test_real_target_with_given_scale():
    schema = Schema(target=Target(kind="real", offset=200.0, divisor=100.0))
    data = quantise(X, [100, 200, 300], schema=schema)
    assert data.labels is not None
    assert data.labels.tolist() == [[-256], [0], [256]]


# CSV


def test_csv_errors_name_the_line(tmp_path):
    path = write_csv(tmp_path / "p.csv", [["age", "ill"], [31, 0], ["", 1], [40, 0]])
    with pytest.raises(DataError, match=r"column 'age', row 1 \(line 3 of p.csv\): the value is missing"):
        quantise(path, "ill")
    path = write_csv(tmp_path / "q.csv", [["age", "ill"], ["a\nb", 0], [31, 0], ["x", 1]])
    with pytest.raises(DataError, match=r"row 0 \(line 3 of q.csv\): 'a\\nb' is not a number"):
        quantise(path, "ill")


@pytest.mark.parametrize(
    ("content", "error", "problem"),
    [
        ("", DataError, "p.csv is empty"),
        ("a,b\n", DataError, "p.csv has no rows"),
        ("a,b\n1,2\n1,2,3\n", DataError, "ragged: line 3 has 3 values, the header has 2"),
        ("a,\n1,2\n", DataError, "column 1 has no name"),
        ("a,a\n1,2\n", DataError, "two columns 'a'"),
        ('a,b\n"1,2\n', UnreadableFile, "is not a CSV file"),
        ("a,b\n1_000,1\n", DataError, "'1_000' is not a number"),
    ],
)
def test_csv_refusals(tmp_path, content, error, problem):
    (tmp_path / "p.csv").write_text(content)
    with pytest.raises(error, match=problem):
        quantise(tmp_path / "p.csv", "b")


def test_csv_that_is_not_text_or_not_there(tmp_path):
    (tmp_path / "p.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        quantise(tmp_path / "p.csv", "b")
    with pytest.raises(UnreadableFile, match="cannot read"):
        quantise(tmp_path / "none.csv", "b")


def test_csv_with_other_delimiter_and_booleans(tmp_path):
    (tmp_path / "p.csv").write_text("a;on;y\n1.5;true;no\n2.5;FALSE;yes\n")
    data = quantise(tmp_path / "p.csv", "y", delimiter=";", scale="none")
    assert data.features.tolist() == [[384, 256], [640, 0]]


def test_parquet_that_is_none(tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"no parquet")
    with pytest.raises(UnreadableFile, match="as Parquet"):
        quantise(tmp_path / "p.parquet", "b")


# Leaks


def test_public_document_has_names_only_on_opt_in():
    from tacit.dataset.public import canonical, public_schema, schema_id

    frame = pd.DataFrame(
        {"hiv_status": ["pos", "neg", "pos"], "age": [30.0, 40.0, 50.0], "died": ["y", "n", "y"]}
    )
    data = quantise(frame, "died", categorical=["hiv_status"])
    hidden = canonical(public_schema(data)).decode()
    for name in ("hiv", "pos", "neg", "age", "died"):
        assert name not in hidden
    assert '"labels":"class"' in hidden
    told = public_schema(data, names=True)
    assert told["names"]["features"] == ["hiv_status=neg", "hiv_status=pos", "age"]
    assert schema_id(told) != schema_id(public_schema(data))


def test_released_facts_carry_positions_not_names():
    frame = pd.DataFrame({"salary": [10.0, 20.0, 33.0], "town": ["a", "b", "a"]})
    released = " ".join(quantise(frame, ["x", "y", "x"], categorical=["town"]).released)
    assert "salary" not in released
    assert "town" not in released
