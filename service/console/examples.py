"""The examples in each command's `--help`; a test parses every line."""

EXAMPLES = {
    "index": (
        "sketchseek index ~/Pictures --index ~/.sketchseek    # the first time",
        "sketchseek index --index ~/.sketchseek               # later: only what changed",
        "sketchseek index --config job.toml                   # as a nightly job",
        "sketchseek index /photos --index /share/library --ray auto --parts 24",
    ),
    "merge": ("sketchseek merge part-1 part-2 --index ~/.sketchseek",),
    "search": (
        "sketchseek search drawing.png --index ~/.sketchseek",
        "sketchseek search drawing.png --index ~/.sketchseek -k 3 --open",
        "sketchseek search drawing.png --index ~/.sketchseek --json",
        "sketchseek search --text 'a red car' --after 2024 --index ~/.sketchseek",
        "sketchseek search drawing.png --like ID --like-weight -0.5 --index ~/.sketchseek",
        "sketchseek search drawing.png --server http://127.0.0.1:8000 --key KEY",
    ),
    "explain": (
        "sketchseek explain drawing.png photo.jpg --out why.png",
        "sketchseek explain drawing.png photo.jpg --json",
    ),
    "serve": (
        "sketchseek serve --index ~/.sketchseek               # http://127.0.0.1:8000/",
        "sketchseek serve --index ~/.sketchseek --port 8001",
        "SKETCHSEEK_API_KEYS_FILE=keys.txt sketchseek serve --index ~/.sketchseek --host 0.0.0.0",
    ),
    "key": (
        "sketchseek key >> keys.txt           # saves the entry, shows the key on the terminal",
        "sketchseek key --admin >> keys.txt   # may also reload and reindex",
    ),
    "status": (
        "sketchseek status --index ~/.sketchseek",
        "sketchseek status --index ~/.sketchseek --json",
    ),
    "doctor": (
        "sketchseek doctor",
        "sketchseek doctor --index ~/.sketchseek --json",
    ),
    "verify": (
        "sketchseek verify --index ~/.sketchseek --all",
        "sketchseek verify --index ~/.sketchseek --deep",
    ),
    "rollback": (
        "sketchseek rollback --index ~/.sketchseek",
        "sketchseek rollback --release --index ~/.sketchseek  # let runs publish again",
    ),
    "prune": ("sketchseek prune 1 --index ~/.sketchseek",),
    "completion": (
        'eval "$(sketchseek completion bash)"                 # in ~/.bashrc',
        'eval "$(sketchseek completion zsh)"                  # in ~/.zshrc',
        "sketchseek completion fish > ~/.config/fish/completions/sketchseek.fish",
    ),
    "train": ("sketchseek train manifest.csv --recipe lite --out runs/mine",),
    "train-parts": ("sketchseek train-parts manifest.csv --model models/mine --out runs/parts",),
    "compare": (
        "sketchseek compare manifest.csv --splits splits.json --out compared",
        "sketchseek compare manifest.csv --splits splits.json --out compared sake zse ours --seeds 0",
    ),
    "looks": ("sketchseek looks models/mine --out models/mine-mirrored",),
    "join": ("sketchseek join runs/one/model runs/two/model manifest.csv --root images --out models/mine",),
    "whiten": ("sketchseek whiten models/mine manifest.csv --root images --out models/mine-whitened",),
    "blend": ("sketchseek blend runs/one/model runs/two/model --out models/mine",),
    "bank": (
        "sketchseek bank models/mine manifest.csv",
        "sketchseek bank models/mine manifest.csv --splits splits.json  # without what was held out",
    ),
    "evaluate": (
        "sketchseek evaluate my-data",
        "sketchseek evaluate my-data --tasks zero-shot --compare raw --out figures",
        "sketchseek evaluate my-data --distractors ~/Pictures  # among photos of other things",
    ),
    "export": ("sketchseek export models/mine",),
}
