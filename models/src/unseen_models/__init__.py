"""Models trained on public chest X-rays: one folder each, with its card and its weights. Data only.

`unseen` finds them by the names `models/pca`, `models/ensemble-five` and so on. LICENSE has the terms.

Research use only. Not a medical device. Not for diagnosis.
"""

__version__ = "0.2.0"
