"""Monitoring and Logging: is what happens measured, kept and seen?"""
