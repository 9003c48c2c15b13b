"""Detectors of ZhangLab's normal films, cross-validated on its training split."""
