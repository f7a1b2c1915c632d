"""ZSE-SBIR (Lin et al., CVPR 2023): sketch and photo as sets of local tokens, compared pair by pair.

`formulas` are its equations as plain functions of tensors, `layers` the modules that learn, and
`model.training.methods.zse` the training method. The image network is `model.backbones.overlapping`.
"""
