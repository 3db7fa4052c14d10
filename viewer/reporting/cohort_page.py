"""One page about an evaluated cohort that opens anywhere: a single file, pictures inside, no script, no patient.

Cases have numbers here, those of their lines in the tables; names of files and cases stay in the tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from viewer.reporting.cohort_units import units_of
from viewer.reporting.web_page import MARK, page, picture, rule, section, table, text

_TITLES = {
    "roc": "Receiver operating characteristic",
    "calibration": "Calibration: size of a point by the number of predictions",
    "confusion": "Confusion",
    "iou": "Intersection over union by threshold, each explainer on its best layer (chosen after the fact)",
    "iou_of_classes": "Intersection over union by threshold, class by class",
    "examples": "Images of the cohort with their maps; numbers are those of the lines of cases.csv",
    "pixel_importance": "Fall of the probability when pixels are replaced",
    "importance_of_classes": "The same of every class, by the map of every class",
    "importance_curves": "The same at every fraction",
    "replaced": "What the network was given in place of its input",
    "layers": "Layer by method",
}
_WEIGHED = ("pixel_importance", "importance_of_classes", "importance_curves", "replaced")
_AREAS = "Areas are in mm\u00b2, of volumes in mm\u00b3; of files that do not know how large a pixel is, in pixels."
_LAYER_ROWS = 80

Row = Mapping[str, Any]


def cohort_page(document: Mapping[str, Any], figures: Mapping[str, bytes], record: Mapping[str, Any]) -> str:
    """The report as HTML.

    Parameters
    ----------
    document : of ``whyslice evaluate``.
    figures : name -> PNG.
    record : provenance.
    """
    numbers = {case["path"]: number for number, case in enumerate(document["cases"], start=1)}
    rules = document["rules"]
    parts = [
        f"<p>{document['images']} images of {document['patients']} patients, {len(document['skipped'])} skipped.</p>",
        _disputed(document),
        MARK,
        _models(document),
        _predictions(document, figures),
        _localisation(document, figures),
        section(
            "Pixel importance",
            [
                *(_picture(name, figures) for name in _WEIGHED),
                rule(rules["pixel_importance"]),
            ],
        )
        if document["pixel_importance"]
        else "",
        _places(document),
        _focus(document, numbers),
        _cases(document, numbers),
        _left_out(document),
        _provenance(record, rules),
    ]
    return page(f"Cohort evaluation of {document['model']}", parts)


def _models(document: Mapping[str, Any]) -> str:
    """Several models side by side; the rest of the page is about the first."""
    if not document.get("side_by_side"):
        return ""
    words = units_of(document)
    named = {"patient": words.get("per_patient"), "slice": words.get("per_slice")}
    rows = [
        {**row, "unit": word}
        for row in document["side_by_side"]
        if (word := named.get(row["unit"], row["unit"]))
    ]
    head = ("of", "class", "reader", "score", *(each["model"] for each in document["models"]))
    cells = [
        (row["unit"], row["class"], row["reader"], row["measure"], *map(_compared(row), row["values"]))
        for row in rows
    ]
    maps = "; ".join(
        f"{each['model']}: {each['explainer']} on {_place(each['layer'])}" for each in document["models"]
    )
    parts = [
        rule(f"{document['rules']['side_by_side']}. {maps}. All below is about {document['model']}."),
        table(head, cells),
    ]
    parts += [
        f"<p>{text(each['model'])}: {each['skipped']} images skipped.</p>"
        for each in document["models"]
        if each["skipped"]
    ]
    return section("Models side by side", parts)


def _place(layer: str) -> str:
    """Where a map was made, in words: names of layers may be mere numbers."""
    return "the input" if layer == "input" else f"layer {layer}"


def _compared(row: Row) -> Callable[[Row], str]:
    """How a value of a row is written."""

    def written(each: Row) -> str:
        if row["measure"] == "n":
            return "-" if each["value"] is None else str(each["value"])
        return f"{_number(each['value'])} {_interval(each['low'], each['high'])}"

    return written


def _predictions(document: Mapping[str, Any], figures: Mapping[str, bytes]) -> str:
    predictions = document["predictions"]
    parts = []
    units = units_of(document)
    for unit, word in units.items():
        table = predictions[unit]
        many = f"{table['n']} of {table['patients']} patients" if "per_patient" in units else f"{table['n']}"
        parts.append(f"<h3>Per {word} <small>({many})</small></h3>")
        unknown = f" Of {table['truth_unknown']} the truth is not known." if table["truth_unknown"] else ""
        parts.append(rule(f"{table['rule']}; {table['unit_rule']}.{unknown}"))
        parts.append(_scores(table["scores"]))
        if len(predictions["classes"]) > 2 or predictions["task"] == "multilabel":
            parts.append(_by_class(table["classes"]))
    parts.append(rule(f"Truth: {predictions['truth_rule']}."))
    parts += [_picture(name, figures) for name in ("confusion", "roc", "calibration")]
    return section("Predictions", parts)


def _scores(scores: Mapping[str, Row]) -> str:
    rows = [
        (
            name,
            _number(score["value"]),
            _interval(score["low"], score["high"]),
            _interval(score["bootstrap_low"], score["bootstrap_high"]),
            score["rule"],
        )
        for name, score in scores.items()
    ]
    return table(("score", "value", "95%", "95%, patients drawn again", "rule"), rows, wide=(4,))


def _by_class(classes: Sequence[Row]) -> str:
    names = ("sensitivity", "specificity", "ppv", "npv", "f1", "auc")
    rows = [
        (
            each["class"],
            *(each["confusion"][cell] for cell in ("tp", "fp", "fn", "tn")),
            *(_number(each["scores"][name]["value"]) for name in names),
        )
        for each in classes
    ]
    return table(("class", "TP", "FP", "FN", "TN", *names), rows)


def _localisation(document: Mapping[str, Any], figures: Mapping[str, bytes]) -> str:
    rows = best_thresholds(document["localisation"])
    if not rows:
        return section("Localisation", [rule("No reader marked any of the classes on an explained picture.")])
    rules = document["rules"]
    cells = [
        (
            row["class"],
            row["explainer"],
            row["layer"],
            row["reader"],
            f"{row['value']:g}",
            f"{_number(row['iou'])} {_interval(row['iou_low'], row['iou_high'])}",
            _number(row["iobb"]),
            f"{_number(row['pointing'])} {_interval(row['pointing_low'], row['pointing_high'])}",
            f"{_number(row['energy'])} {_interval(row['energy_low'], row['energy_high'])}",
            row["n"],
            row["empty"],
        )
        for row in rows[:_LAYER_ROWS]
    ]
    head = (
        "class",
        "explainer",
        "layer",
        "reader",
        "best at",
        "IoU",
        "IoBB",
        "pointing",
        "energy",
        "n",
        "empty",
    )
    parts = [
        rule(f"{rules['localisation']}. The threshold with the highest IoU is chosen after the fact."),
        table(head, cells, base=[row["explainer"].startswith("baseline:") for row in rows[:_LAYER_ROWS]]),
    ]
    if len(rows) > _LAYER_ROWS:
        parts.append(rule(f"{len(rows) - _LAYER_ROWS} more rows are in localisation.csv."))
    parts += [_picture("examples", figures), *_by_percentage(document), _picture("iou_of_classes", figures)]
    parts += [_picture("iou", figures), _picture("layers", figures)]
    for row in document["readers"]:
        parts.append(
            f"<p>Between readers of {text(row['class'])}: IoU {_number(row['iou'])} "
            f"{_interval(row['iou_low'], row['iou_high'])}, Dice {_number(row['dice'])}, on {row['n']} pictures.</p>"
        )
    for row in document["readers_without_regions"]:
        parts.append(
            f"<p>{text(row['reader'])} marked no {text(row['class'])} on {row['n']} pictures on which another "
            "reader did; these are not in the reader's rows.</p>"
        )
    parts += [rule(rules[name] + ".") for name in ("iou", "iobb", "pointing", "energy", "baselines")]
    return section("Localisation", parts)


def _by_percentage(document: Mapping[str, Any]) -> list[str]:
    """IoU at every threshold, a column for each class, of the first explainer; the others are in a table."""
    # They load matplotlib, which nobody waits for who only looks.
    from viewer.reporting.class_figures import percentage_tables
    from viewer.reporting.cohort_axes import chief_rows

    rows = percentage_tables(document)
    columns = [name for name in document["predictions"]["classes"] if rows and name in rows[0]]
    if len(columns) < 2:
        return []
    chief = chief_rows(document)[0]
    own = [row for row in rows if all(row[key] == chief[key] for key in ("explainer", "layer", "reader"))]
    cells = [(row["boxes"], f"{row['value']:g}", *(_number(row[name]) for name in columns)) for row in own]
    words = (
        f"{chief['explainer']}, {chief['layer']}, {chief['reader']}; the others are in iou_by_percentage.csv"
    )
    return [rule(words), table(("IoU with", "at", *columns), cells)]


def best_thresholds(rows: Iterable[Row]) -> list[Row]:
    """Of each map and reader the row with the highest IoU, the best first."""
    best: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in ("class", "explainer", "layer", "reader"))
        if key not in best or (row["iou"] or 0.0) > (best[key]["iou"] or 0.0):
            best[key] = row
    return sorted(best.values(), key=lambda row: -(row["iou"] or 0.0))


def _disputed(document: Mapping[str, Any]) -> str:
    """Labels that a reviewer holds to be wrong, counted; an older document has none."""
    outcomes = Counter(each["outcome"] or "of unknown truth" for each in document.get("disputed", ()))
    if not outcomes:
        return ""
    counts = ", ".join(f"{name} {count}" for name, count in outcomes.items())
    return (
        f"<p>{sum(outcomes.values())} more have a disputed label and are counted nowhere else: {counts}.</p>"
    )


def _places(document: Mapping[str, Any]) -> str:
    """How much of the maps lies in organs and other places that readers marked."""
    rows = document.get("places", ())
    if not rows:
        return ""
    cells = [
        (
            *(row[name] for name in ("class", "explainer", "layer", "place")),
            f"{_number(row['energy'])} {_interval(row['energy_low'], row['energy_high'])}",
            _number(row["area"]),
            row["n"],
        )
        for row in rows[:_LAYER_ROWS]
    ]
    head = ("class", "explainer", "layer", "place", "share of the map", "share of the picture", "n")
    base = [row["explainer"].startswith("baseline:") for row in rows[:_LAYER_ROWS]]
    parts = [rule(document["rules"]["places"]), table(head, cells, base=base)]
    return section("Where the maps lie", parts)


def _focus(document: Mapping[str, Any], numbers: Mapping[str, int]) -> str:
    names = ("half_max_area", "half_max_share", "entropy", "gini", "foci", "vertical_spread")
    layer = document["focus"][0]["layer"] if document["focus"] else ""
    rows = [
        (row["class"], row["explainer"], row["group"], *(_number(row[name]) for name in names), row["n"])
        for row in document["focus"]
        if row["layer"] in (layer, "input")
    ]
    if not rows:
        return ""
    parts = [
        rule(f"{document['rules']['focus']}; layer {layer}, the others are in focus.csv. {_AREAS}"),
        table(("class", "explainer", "group", *(name.replace("_", " ") for name in names), "n"), rows),
    ]
    if document["second_look"]:
        looks = ", ".join(
            f"{numbers[each['path']]} ({each['outcome']}, {100 * each['half_max_share']:.2g}%)"
            for each in document["second_look"][:20]
        )
        parts.append(
            "<p>Cases called negative that are worth a second look, the most focused map first (share of pixels of "
            f"at least half the maximum): {looks}.</p>"
        )
    return section("Focus", parts)


def _cases(document: Mapping[str, Any], numbers: Mapping[str, int]) -> str:
    classes = document["predictions"]["classes"]
    rows = [
        (
            numbers[case["path"]],
            "not known" if case["classes"] is None else ", ".join(case["classes"]) or "none",
            *(_number(p) for p in case["probabilities"]),
            "-" if case["slice"] is None else case["slice"],
            _outcome(case, document["predictions"]["positive_class"]),
            case["applicability"].replace("_", " "),
        )
        for case in document["cases"]
    ]
    head = ("case", "truth", *(f"p({name})" for name in classes), "slice", "outcome", "model applies")
    return section("Cases", [rule("Numbers are those of the lines of cases.csv."), table(head, rows)])


def _outcome(case: Row, positive: str) -> str:
    if positive:
        return str(case["outcomes"].get(positive, "-"))
    return ", ".join(f"{name} {found}" for name, found in case["outcomes"].items() if found != "TN") or "-"


def _left_out(document: Mapping[str, Any]) -> str:
    reasons: dict[str, int] = {}
    for each in document["skipped"]:
        reasons[_without_names(each["reason"])] = reasons.get(_without_names(each["reason"]), 0) + 1
    lines = [f"{n} images skipped: {text(why)}" for why, n in reasons.items()]
    lines += [
        f"{text(each['what'])}: {each['times']} times in {each['images']} images, not counted"
        for each in document["not_counted"]
    ]
    lines += [
        f"{text(each['explainer'])} on {text(_place(each['layer']))}: {text(each['reason'])}"
        for each in document["left_out"]
    ]
    if not lines:
        return ""
    return section("Left out", ["<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"])


def _without_names(sentence: str) -> str:
    """A sentence without what stands in quotes: names of files are often those of patients."""
    return "'...'".join(sentence.split("'")[::2])


def _provenance(record: Mapping[str, Any], rules: Mapping[str, str]) -> str:
    rows = [(name, _value(value)) for name, value in record.items() if not isinstance(value, (list, dict))]
    rows += [
        (f"{group} {name}", _value(value))
        for group in ("libraries", "request")
        for name, value in record.get(group, {}).items()
        if name != "left_out"
    ]
    return section("How this was made", [rule(rules["intervals"] + "."), table(("", ""), rows, wide=(1,))])


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(
            "/".join(map(str, each)) if isinstance(each, (list, tuple)) else str(each) for each in value
        )
    return str(value)


def _picture(name: str, figures: Mapping[str, bytes]) -> str:
    return picture(figures[name], _TITLES[name]) if name in figures else ""


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"({low:.3f}-{high:.3f})"
