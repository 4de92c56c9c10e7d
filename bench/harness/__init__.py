"""The parts of the bench: what is asked (workloads), of whom (servers), how (process, generator, measure), and what it means (report, goals)."""
