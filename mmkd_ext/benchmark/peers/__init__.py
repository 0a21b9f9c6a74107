"""The same distillation in other tools' own loops, each in a process of its own, beside ours."""
