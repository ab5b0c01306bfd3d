"""stream: drafts of answers to chunks that may be read, judged piece by piece on their way."""
