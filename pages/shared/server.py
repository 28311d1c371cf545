"""The server: Streamlit, told that app.py alone says which pages exist."""

import threading

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

from pages.shared.lab import get_lab

if __name__ == "__main__":
    # Until app.py has run once, Streamlit takes a folder called pages for its older way of
    # making pages, and greets the first deep link with "Page not found".
    PagesManager.uses_pages_directory = False
    # By the time that somebody has typed a question, there is somebody to answer it.
    threading.Thread(target=lambda: get_lab().warm_up(), daemon=True).start()
    main()
