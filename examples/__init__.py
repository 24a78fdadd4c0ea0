"""What a committed model can be shown to do, on real data, with a page and a picture of each report."""
