"""What everything stands on: settings, storage, jobs, language models, errors."""
