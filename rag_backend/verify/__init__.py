"""Verification: do the passages hold the answer?"""
