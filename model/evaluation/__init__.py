"""How well a model retrieves: tasks, metrics, baselines and figures."""
