"""The main job on real data, from the table to a rejected forgery, each step with its time."""
