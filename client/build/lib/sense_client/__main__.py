"""`python -m sense_client`: the command `sense`."""

from sense_client.cli import main

if __name__ == "__main__":
    main(prog_name="sense")
