"""The gate that stands before every commit: is the candidate better, and can it be chance?"""
