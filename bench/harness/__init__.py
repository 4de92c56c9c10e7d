"""What is asked (workloads), of whom (servers), how (process, generator, measure), and what it means (report, goals)."""
