"""PSNR against the number of steps: EI on inpainting, CT and MRI, evaluated at logarithmic steps of one training.

`training` trains and yields a row for each point, `page` renders the chart and its text from the rows.
"""
