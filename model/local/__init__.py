"""Local parts: a drawing and a photo compared cell by cell, to re-rank the best photos and to show why they fit.

A local head beside the image tower gives each cell of a grid a token, in the same pass as the embedding. As with the
embedding, what all drawings or all photos share is subtracted (the modality encoding of tokens); what remains of a
drawing's inked cells is matched with the cells of a photo. ZSE-SBIR compares pairs this way; docs/local-matching.md
says what differs here.

`parts` turns cells into tokens, `coding` packs those of a photo into the bytes that an index keeps, `matching`
compares, and `local` joins them for one model, as `encoder.local`. The network itself is `model.backbones.local`.
"""
