"""What each benchmark says of itself, and where its figures go."""
import json
import os
import platform
import time


def about():
    """When and on what it was measured."""
    return {"date": time.strftime("%Y-%m-%d"), "machine": f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"}


def give(result, out):
    """Prints the figures, and keeps them in a file when one is named."""
    text = json.dumps(result, indent=2)
    print(text)
    if out:
        with open(out, "w") as file:
            file.write(text + "\n")
