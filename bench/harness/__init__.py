"""What is asked (workloads), whom (servers), how (process, generator, measure), and what it means (report, goals)."""
