"""Training of a local head (`model.local`), beside an image tower that stays as it is.

A head learns from drawings next to the photos they were drawn from, from classes, and above all from drawings that
`pseudo` makes of photos: of these it is known which place of the photo each line comes from.
"""
