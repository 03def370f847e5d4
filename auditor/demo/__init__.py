"""A simulated AWS account (moto's server), for trying the auditor without AWS: a mail-order company's, four years old."""
