"""Whatever bytes come from a board, a broker, a worker or a file: only the agreed outcomes, in bounded time and memory.

What was found here once is a file in tests/corpus, which every run reads.
"""
