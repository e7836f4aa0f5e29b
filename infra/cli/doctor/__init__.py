"""`verdicts doctor`: what is wrong with an installation, and what to do about it.

The modules `…_checks` judge: plain values in, findings out. `probes` reads values from servers, and
`projections.pipeline_state` the pipeline's. `run` calls all of them.
"""
