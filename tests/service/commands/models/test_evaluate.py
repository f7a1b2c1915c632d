"""`sketchseek evaluate` as users run it: the figures, the files, and what it refuses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from model import Encoder
from model.card import SHIPPED
from model.data.datasets import read_folder
from model.evaluation.baselines import MEAN, RAW, STRIPPED
from model.evaluation.embedding import embed
from model.evaluation.tasks import TASKS, evaluate
from service.cli import main
from tests.kit import TOP
from tests.kit.jobs import remembering
from tests.kit.service.commands import refused, sketchseek
from tests.kit.shapes import THINGS, picture, write_world


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """photos/<thing> and sketches/<thing>: three photos and two drawings of each."""
    return write_world(tmp_path / "world")


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    lists = {"_comment": "x", "some": ["Fish", "star"], "none": ["unicorn"]}
    (tmp_path / "splits.json").write_text(json.dumps(lists))
    return tmp_path / "splits.json"


def manifest(world: Path) -> Path:
    """The same images as two sets of a manifest: `a` as they are, `b` without drawings."""
    lines = ["set,modality,class,label,path,pair_id,note"]
    for kind, modality in (("photos", "photo"), ("sketches", "sketch")):
        for path in sorted((world / kind).glob("*/*")):
            thing, place = path.parent.name, path.relative_to(world).as_posix()
            sets = ("a", "b") if modality == "photo" else ("a",)
            lines += [f"{name},{modality},{thing},,{place},," for name in sets]
    (world.parent / "list.csv").write_text("\n".join(lines) + "\n")
    return world.parent / "list.csv"


def test_help_names_both_and_every_task() -> None:
    assert all(f"\n  {name} " in sketchseek("--help").stdout for name in ("evaluate", "export"))
    # Without the blanks, for long lines are wrapped.
    told = "".join(sketchseek("evaluate", "--help").stdout.split())
    assert all(task in told for task in ("zero-shot", "sketch+text"))
    assert all(
        option in told
        for option in (
            "--splits",
            "--unseen",
            "--set",
            "--compare",
            "--rank",
            "--pictures",
            "--distractors",
        )
    )


def test_it_prints_and_saves_what_the_library_finds(
    world: Path, splits: Path, tmp_path: Path, encoder: Encoder
) -> None:
    out = tmp_path / "new" / "out"
    done = sketchseek("evaluate", world, "--splits", splits, "--unseen", "some", "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("## lite on world, 2 unseen classes")
    assert (out / "evaluation.md").read_text() == done.stdout
    assert "- fine-grained: skipped, no sketch has its own photo" in done.stdout
    told = json.loads((out / "evaluation.json").read_text())
    report = evaluate(embed(remembering(encoder), read_folder(world)), ["fish", "star"], model="lite")
    expected = json.loads(report.json())
    assert told["unseen"] == expected["unseen"] == ["fish", "star"]
    assert told["skipped"] == expected["skipped"]
    assert [row["task"] for row in told["rows"]] == [task for task in TASKS if task != "fine-grained"]
    for ours, theirs in zip(told["rows"], expected["rows"], strict=True):
        assert ours["figures"] == pytest.approx(theirs["figures"])
        assert {**ours, "figures": 0} == {**theirs, "figures": 0}
    assert report.row("generalised").gallery == 15
    assert told["remarks"][-1] == f"model fingerprint {encoder.fingerprint}, run by openvino"
    # 15 photos, and the drawings of the unseen classes alone.
    assert "encoded 19 images in " in done.stderr


def test_stand_ins_stand_in_the_same_table(world: Path, tmp_path: Path, encoder: Encoder) -> None:
    options = ("--compare", "raw", "--compare", "mean", "--tasks", "zero-shot, text-to-photo")
    done = sketchseek("evaluate", world, *options, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "| task | vectors | queries | gallery | mAP@all |" in done.stdout
    rows = json.loads((tmp_path / "out" / "evaluation.json").read_text())["rows"]
    assert [(row["task"], row["vectors"]) for row in rows] == [
        (task, vectors) for task in ("zero-shot", "text-to-photo") for vectors in (STRIPPED, RAW, MEAN)
    ]
    raw = evaluate(embed(remembering(encoder).unstripped, read_folder(world)), model="lite")
    assert rows[1]["figures"] == pytest.approx(raw.row("zero-shot").figures)
    assert len({row["figures"]["mAP@all"] for row in rows[:3]}) > 1


def test_a_manifest_with_its_images_elsewhere(world: Path, splits: Path) -> None:
    one = json.dumps({"unseen": ["mug", "house", "unicorn"]})
    (splits.parent / "one.json").write_text(one)
    done = sketchseek(
        "evaluate",
        manifest(world),
        *("--root", world, "--set", "a", "--splits", splits.parent / "one.json", "--tasks", "zero-shot"),
    )
    assert done.returncode == 0, done.stderr
    assert "## lite on list, 2 unseen classes" in done.stdout
    assert "| zero-shot | 4 | 6 |" in done.stdout
    assert "1 of the 3 unseen classes are not in this data" in done.stdout


def test_every_task_among_photos_of_other_things(
    world: Path, splits: Path, tmp_path: Path, encoder: Encoder
) -> None:
    beside = tmp_path / "holiday"
    (beside / "deep").mkdir(parents=True)
    for number, thing in enumerate(THINGS):
        picture(thing, 40 + number).save(beside / "deep" / f"{number}.jpg")
    (beside / "broken.jpg").write_bytes(b"no picture")
    options = ("--splits", splits, "--unseen", "some", "--distractors", "rest", "--distractors", beside)
    counted = ("--distractor-counts", "0,4,all", "--compare", "raw", "--tasks", "zero-shot,photo-to-photo")
    done = sketchseek("evaluate", world, *options, *counted, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    # Nine photos of three other classes, five of the folder; its sixth cannot be read.
    assert told["distractors"] == {"world": 9, str(beside): 5}
    assert [(row["task"], row["vectors"], row["distractors"], row["gallery"]) for row in told["library"]] == [
        (task, vectors, count, 6 + count)
        for task in ("zero-shot", "photo-to-photo")
        for count in (0, 4, 14)
        for vectors in (STRIPPED, RAW)
    ]
    for row in told["library"]:
        assert set(row["figures"]) == set(row["intervals"])
        assert all(
            low - 1e-9 <= row["figures"][name] <= high + 1e-9
            for name, (low, high) in row["intervals"].items()
        )
    plain = [row["figures"]["mAP@all"] for row in told["library"][::2]]
    assert plain[0] == told["rows"][0]["figures"]["mAP@all"]
    assert any("1 images left out; the first is" in remark for remark in told["remarks"])
    assert "| zero-shot | stripped | 14 | 4 | 20 | " in done.stdout
    assert "encoded 15 photos of other classes in " in done.stderr


def test_none_of_other_things_gives_intervals_alone(world: Path) -> None:
    options = ("--distractors", world, "--distractor-counts", "0", "--tasks", "zero-shot")
    (world / "another.png").write_bytes(next(world.glob("photos/*/*")).read_bytes())
    done = sketchseek("evaluate", world, *options)
    assert done.returncode == 0, done.stderr
    assert "| zero-shot | 0 | 10 | 15 | " in done.stdout
    assert "other classes in" not in done.stderr


def test_an_official_layout(world: Path, splits: Path, tmp_path: Path) -> None:
    home = tmp_path / "QuickDraw"
    for old, new in (("sketches", "QuickDraw_sketches_final"), ("photos", "QuickDraw_images_final")):
        shutil.copytree(world / old, home / new)
    options = ("--splits", splits, "--unseen", "some", "--tasks", "zero-shot")
    declined((home, *options), f"expected 110 class folders in {home / 'QuickDraw_sketches_final'}, found 5")
    for number in range(105):
        for kind in ("sketches", "images"):
            folder = home / f"QuickDraw_{kind}_final" / f"class {number}"
            folder.mkdir()
            (folder / "never opened.png").touch()
    done = sketchseek("evaluate", home, *options)
    assert done.returncode == 0, done.stderr
    assert "## lite on QuickDraw-Ext, 2 unseen classes" in done.stdout
    assert "| zero-shot | 4 | 6 |" in done.stdout


def test_the_pictures(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib (extra: train)")
    pytest.importorskip("sklearn", reason="pictures need scikit-learn (extra: train)")
    done = sketchseek("evaluate", world, "--out", tmp_path, "--pictures", "--tasks", "zero-shot")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("evaluation.json, evaluation.md, stripping.png, found.png\n")
    for name in ("stripping.png", "found.png"):
        with Image.open(tmp_path / name) as shown:
            assert len(shown.convert("RGB").getcolors(shown.width * shown.height) or []) > 20


def declined(arguments: tuple[object, ...], part: str) -> None:
    """As `refused`, in this process: there are many of these."""
    done = CliRunner().invoke(main, ["evaluate", *map(str, arguments)])
    assert (done.exit_code, done.stdout) == (1, ""), done.output
    assert part in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_data_that_cannot_be_measured(world: Path, splits: Path, tmp_path: Path) -> None:
    listed = manifest(world)
    tests: tuple[tuple[tuple[object, ...], str], ...] = (
        ((tmp_path / "nowhere",), "but there is no folder or manifest"),
        ((tmp_path / "none.csv",), "expected a manifest at"),
        ((splits.parent / "world" / "photos",), "found no usable images"),
        ((listed,), f"expected 30 images under {tmp_path}/photos, found 0"),
        ((listed, "--root", world, "--set", "c"), "no images of the set 'c'"),
        (
            (listed, "--root", world, "--set", "b"),
            "no sketches of the unseen classes (0 sketches, 15 photos)",
        ),
        ((world, "--set", "a"), "only a manifest can have sets"),
        ((world, "--splits", splits, "--unseen", "none"), "has none of the 1 requested labels"),
        ((world, "--splits", splits, "--unseen", "other"), "no list is called 'other'; it has some, none"),
        ((world, "--splits", splits), "choose one with --unseen"),
        ((world, "--splits", tmp_path / "no.json"), "but there is no such file"),
        ((world, "--splits", "imagenet"), "unknown published split 'imagenet'; known: quickdraw-30"),
        ((world, "--splits", "sketchy-25"), "lacks 25 of the 25 unseen classes"),
        ((world, "--splits", "sketchy-25", "--unseen", "some"), "leave --unseen out"),
        ((world, "--unseen", "some"), "name the file with --splits"),
        ((world, "--distractors", "rest"), "--distractors rest: no photos of other classes there"),
        ((world, "--distractors", "ships"), "neither a set of"),
        ((listed, "--root", world, "--set", "a", "--distractors", "c"), "its sets are a, b, or write rest"),
        ((world, "--distractor-counts", "5"), "--distractor-counts needs --distractors"),
        (
            (
                world,
                "--splits",
                splits,
                "--unseen",
                "some",
                "--distractors",
                "rest",
                "--distractor-counts",
                "99",
            ),
            "there are only 9 photos of other classes",
        ),
    )
    for arguments, message in tests:
        declined(arguments, message)


def test_questions_that_cannot_be_asked(world: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    declined((world, "--tasks", "zero-shot,guess"), "unknown task 'guess'")
    declined((world, "--tasks", ","), "--tasks is empty")
    declined((world, "--pictures"), "needs --out FOLDER")
    declined((world, "--out", tmp_path / "file"), "cannot create the folder")
    refused(sketchseek("evaluate", world, "--model", "huge"), "one of: lite")
    shutil.rmtree(world / "sketches")
    done = sketchseek("evaluate", world, "--tasks", "photo-to-photo")
    assert (done.returncode, "| photo-to-photo | 15 | 15 |" in done.stdout) == (0, True)


def test_a_model_without_words_leaves_their_tasks_out(world: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    from tests.kit.damage import edit, sha256

    copy = Path(shutil.copytree(SHIPPED / "lite", tmp_path / "wordless"))
    heads = load_file(copy / "heads.safetensors")
    save_file({name: each for name, each in heads.items() if "encoding" in name}, copy / "heads.safetensors")
    digest = sha256(copy / "heads.safetensors")
    edit(copy, lambda raw: raw["weights"]["heads"].update(sha256=digest))  # type: ignore[index]
    for thing in ("house", "mug", "banana"):
        shutil.rmtree(world / "photos" / thing)
        shutil.rmtree(world / "sketches" / thing)
    done = sketchseek("evaluate", world, "--model", copy, "--tasks", "zero-shot,text-to-photo")
    assert done.returncode == 0, done.stderr
    assert "| zero-shot | 4 | 6 |" in done.stdout
    assert "- text-to-photo: skipped, this model has no text tower" in done.stdout
    done = sketchseek("evaluate", world, "--model", copy, "--tasks", "text-to-photo")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no task can run on this data; text-to-photo: this model has no text tower" in done.stderr


def without(modules: tuple[str, ...], *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process where these modules cannot be imported."""
    hidden = "".join(f"sys.modules[{name!r}] = None; " for name in modules)
    script = f"import sys; {hidden}from service.cli import main; main({[str(each) for each in arguments]!r})"
    return subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.slow
def test_it_needs_neither_torch_nor_matplotlib(world: Path, tmp_path: Path) -> None:
    light = ("torch", "timm", "transformers", "matplotlib", "sklearn", "fastapi", "faiss")
    done = without(light, "evaluate", world, "--out", tmp_path / "out", "--compare", "raw")
    assert done.returncode == 0, done.stderr
    assert "| zero-shot | stripped | 10 | 15 |" in done.stdout
    for name in ("matplotlib", "sklearn"):
        done = without((name,), "evaluate", world, "--out", tmp_path, "--pictures")
        refused(done, "needs matplotlib and scikit-learn")
    refused(without(("torch",), "export", SHIPPED / "lite"), "exporting needs torch")
    refused(without(("timm",), "blend", "lite", "lite", "--out", tmp_path / "new"), "blending needs timm")
    refused(
        without(("torch",), "join", "lite", "lite", world, "--out", tmp_path / "new"), "joining needs torch"
    )
