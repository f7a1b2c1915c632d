"""Training methods: `base` says what one provides, `model.methods` lists them, and each has a file here."""
