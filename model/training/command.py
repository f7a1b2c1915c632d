"""`sketchseek train`: from a recipe and data to a model folder."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import torch

from model.data.benchmarks import open_dataset
from model.data.datasets import PHOTO, DataProblem, Dataset, Record, images_under
from model.data.splits import Part, trained_on
from model.errors import SketchseekError
from model.methods import METHODS
from model.training import heap
from model.training.banks import complete
from model.training.folder import held
from model.training.ledger import refuse_changed
from model.training.methods.needs import refuse_lacking
from model.training.network import Network, build
from model.training.objective import Objective
from model.training.publish import Provenance, sources_of, write_model
from model.training.recipe import RECIPES, SEEDS, Recipe, read_recipe
from model.training.run import Outcome, Run, Settings, data_digest, earlier, ended
from model.training.state import put, read_whole
from model.training.validation import AT_THE_END, embedded, figures, photo_rows, refuse_one_sided, zero_shot
from model.training.views import Variety, Views, every_tenth

# The figures that model cards record, for unseen classes alone and among training photos.
ON_CARDS = ("mAP@200", "first_hit", "hit@5", "P@10")

existing = click.Path(exists=True, path_type=Path)


@click.command("train")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--recipe",
    "recipe_name",
    default="lite-rich",
    show_default=True,
    help=f"A JSON file, or one of: {', '.join(sorted(path.stem for path in RECIPES.glob('*.json')))}.",
)
@click.option(
    "--method",
    help=f"Training method, for recipes that name none, such as lite-base. One of: {', '.join(METHODS)}.",
)
@click.option(
    "--root",
    type=existing,
    help="Folder that the manifest's paths start from.  [default: the manifest's folder]",
)
@click.option(
    "--set", "sets", multiple=True, metavar="NAME", help="Use only this set of the manifest; repeatable."
)
@click.option(
    "--splits",
    help="A published split such as sketchy-21, to leave out its test labels; or JSON with validation_unseen.",
)
@click.option(
    "--all-labels", is_flag=True, help="Train on the validation labels, too, and keep the last step."
)
@click.option(
    "--leave-out",
    "left_out",
    multiple=True,
    metavar="CLASS|SPLIT",
    help="Train without this class, or without the test labels of this published split; repeatable.",
)
@click.option(
    "--by-pair",
    is_flag=True,
    help="Take each photo with its drawings for a class of its own, and hold out a tenth of them to validate on.",
)
@click.option(
    "--unlabelled",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of photos without labels, for methods that learn from them, too.",
)
@click.option("--validate-on", "validated", help="Validate on this set of the manifest only.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the run; resumes a run that is in it.",
)
@click.option("--steps", type=click.IntRange(1), help="Number of steps, instead of the recipe's.")
@click.option("--batch", type=click.IntRange(2), help="Batch size, instead of the recipe's.")
@click.option(
    "--seed", type=click.IntRange(0, SEEDS - 1), help="Instead of the recipe's, which is 0 if it names none."
)
@click.option(
    "--licence",
    "licences",
    multiple=True,
    metavar="SET=TEXT",
    help="The licence of a set in DATA, to record in the model's card. Repeat for each set.",
)
@click.option("--device", default="auto", help="auto, cpu, cuda, cuda:1, and so on.")
def command(
    data: Path,
    recipe_name: str,
    method: str | None,
    root: Path | None,
    sets: tuple[str, ...],
    splits: str | None,
    all_labels: bool,
    left_out: tuple[str, ...],
    by_pair: bool,
    unlabelled: Path | None,
    validated: str | None,
    out: Path,
    steps: int | None,
    batch: int | None,
    seed: int | None,
    device: str,
    licences: tuple[str, ...],
) -> None:
    """Train on DATA: a manifest CSV, a folder of photos/<class> and sketches/<class>, or an official layout
    of Sketchy-Ext, TU-Berlin-Ext or QuickDraw-Ext.

    The step is kept that does best on labels that training never sees, among photos that it does see:
    validation_unseen, or with a published split a tenth of its seen labels. The test labels of a published split
    are used neither for training nor for validation.
    """
    heap.keep()
    try:
        recipe = _changed(recipe_name, method, steps, batch, seed)
        whole = open_dataset(data, root, sets or None)
        for remark in whole.remarks:
            click.echo(remark)
        seen, unseen = trained_on(whole, Part(splits, all_labels, validated, left_out, by_pair))
        if validated is not None and not unseen:
            raise DataProblem(
                f"--validate-on {validated}: no labels of that set are held out: check its name, and give --splits, "
                "without --all-labels"
            )
        others = _photos_in(unlabelled) if unlabelled else ()
        outcome = run(recipe, seen, unseen, out, device, licences_of(licences), others)
    except SketchseekError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"kept step {outcome.step}: {outcome.weights}")
    if (out / "model").is_dir():
        click.echo(f"the model: {out / 'model'}")


def run(
    recipe: Recipe,
    seen: Dataset,
    unseen: Dataset | None,
    out: Path,
    device: str,
    licences: Mapping[str, str],
    unlabelled: Sequence[Record] = (),
) -> Outcome:
    """Train, then publish the best step; called again, resume the run."""
    torch.manual_seed(recipe.seed)
    network = build(recipe)
    needs = network.method.needs
    refuse_lacking(recipe.method, needs, seen.records, network.learner, len(unlabelled))
    if unseen:
        refuse_one_sided(unseen.records)
    if not network.method.publishes:
        raise DataProblem(
            f"method {recipe.method!r} embeds sketches and photos each in its own way, which a model folder cannot "
            "hold: measure it beside the others with sketchseek compare"
        )
    place = device_of(device)
    data = data_digest(replace(seen, records=(*seen.records, *unlabelled)))
    with held(out):
        outcome = ended(out, earlier(out, recipe, data))
        refuse_changed(out, (*seen.records, *(unseen.records if unseen else ()), *unlabelled))
        add_bank = partial(complete, data=seen, say=click.echo)
        if outcome is not None and (out / "model" / "card.json").is_file():
            add_bank(out / "model")
            return outcome
        objective, validation = _prepared(network, recipe, seen, unseen, unlabelled, out)
        objective.to(place)
        training = Run(objective, validation, Settings(out, say=click.echo), data)
        training.resume()
        outcome = training.go()
        objective.to(torch.device("cpu"))
        put(network, read_whole(outcome.weights)[0], outcome.weights)
        measured = _finished(objective, validation, place)
        command = shlex.join(["sketchseek", *without_licences(sys.argv[1:])])
        provenance = Provenance(command, sources_of(seen, licences), measured)
        write_model(network, recipe, out / "model", provenance, add_bank)
        return outcome


def _prepared(
    network: Network,
    recipe: Recipe,
    seen: Dataset,
    unseen: Dataset | None,
    unlabelled: Sequence[Record],
    out: Path,
) -> tuple[Objective, Views | None]:
    """What is trained, at its start, and the views to validate on."""
    views = _views(seen.records, network, recipe, out / "seen.f16")
    validation = _views(unseen.records, network, recipe, out / "unseen.f16", plain=True) if unseen else None
    others = _views(unlabelled, network, recipe, out / "unlabelled.f16", plain=True) if unlabelled else None
    objective = Objective(recipe, seen, views, network, others)
    objective.start()
    return objective, validation


def _photos_in(folder: Path) -> tuple[Record, ...]:
    found = images_under(folder)
    if not found:
        raise DataProblem(f"--unlabelled {folder}: no photos there")
    return tuple(Record(path, PHOTO, "") for path in found)


def _finished(objective: Objective, validation: Views | None, device: torch.device) -> dict[str, object]:
    """Apply the method's closed forms; return the figures on unseen classes, alone and among training photos."""
    if validation is None:
        objective.finish()
        return {}
    network, seen = objective.network, objective.views
    question = zero_shot(network.to(device), validation)
    network.cpu()
    before = figures(question)["mAP@all"]
    changed = objective.finish()
    if changed:
        question = zero_shot(network.to(device), validation)
    small = figures(question)
    found: dict[str, object] = {name: round(small[name], 4) for name in ("mAP@all", *ON_CARDS)}
    if changed:
        found["before the last closed forms"] = round(before, 4)
    if rows := photo_rows(seen, AT_THE_END):
        click.echo(f"measuring unseen classes among {len(rows)} training photos")
        large = figures(question.among(embedded(network.to(device), seen, rows)))
        found["large"] = {"photos": len(rows)} | {name: round(large[name], 4) for name in ON_CARDS}
    network.cpu()
    return {"unseen validation": found}


def _views(
    records: Sequence[Record], network: Network, recipe: Recipe, file: Path, *, plain: bool = False
) -> Views:
    per_record = 1 if plain else recipe.views
    steps = recipe.length(len(records))
    variety = Variety(recipe.variations == "rich", recipe.turns, steps)
    views = Views(
        records, network.learner, size=recipe.size, per_record=per_record, seed=recipe.seed, variety=variety
    )
    if recipe.towers == "lite":
        click.echo(f"preparing {len(records)} images for {file.name}")
        views.cache(file, every_tenth(click.echo))
    return views


def licences_of(given: Sequence[str]) -> dict[str, str]:
    licences = {}
    for text in given:
        name, _, licence = text.partition("=")
        if not (name and licence):
            raise DataProblem(f"--licence {text}: write SET=TEXT, such as --licence shoes='CC BY 4.0'")
        licences[name] = licence
    return licences


def without_licences(arguments: Sequence[str]) -> list[str]:
    """The command as the card records it: without the licences, which it lists anyway."""
    pairs = zip(("", *arguments), arguments, strict=False)
    return [said for before, said in pairs if before != "--licence" and not said.startswith("--licence")]


def _changed(name: str, method: str | None, steps: int | None, batch: int | None, seed: int | None) -> Recipe:
    changes: dict[str, object] = {} if seed is None else {"seed": seed}
    if steps is not None:
        changes |= {"steps": steps, "epochs": None}
    if batch is not None:
        changes["batch"] = batch
    return read_recipe(name, method, **changes)


def device_of(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DataProblem(f"no GPU for --device {name}: leave it out to train on the CPU")
    try:
        return torch.device(name)
    except RuntimeError:
        raise DataProblem(f"--device {name}: write auto, cpu, cuda, or cuda:1 and so on") from None
