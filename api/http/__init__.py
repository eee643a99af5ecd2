"""HTTP: the REST interface, the pages of customers, desk and engineers, their charts and labels."""
