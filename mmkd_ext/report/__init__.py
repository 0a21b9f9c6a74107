"""`mmkd report`: one HTML page of runs: what was trained, curves, accuracies, calibration, predictions side by side, sizes and speed."""
