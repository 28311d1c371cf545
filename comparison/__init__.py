"""The methods side by side: ask, exams, metrics, the sample."""
