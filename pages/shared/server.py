"""The server: Streamlit, told that app.py alone says which pages exist."""

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

if __name__ == "__main__":
    # Until app.py has run once, Streamlit takes a folder called pages for its older way of
    # making pages, and greets the first deep link with "Page not found".
    PagesManager.uses_pages_directory = False
    main()
