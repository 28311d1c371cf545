"""An exam that a person names: a file, or one that is kept."""

import sys

from workbench.home import Home


def read_named_exam(home: Home, name: str) -> tuple[bytes, str]:
    """Return an exam's bytes and its file's name; say on stderr which rows aren't asked as they
    stand there.

    Raises:
        RagtuneError: there is none of that name, or it can't be read.
    """
    from comparison.exams.exam import exam_bytes
    from comparison.exams.kept import named_exam
    from comparison.exams.received import receive

    file = named_exam(home, name)
    data = exam_bytes(file)
    for said in receive(data, file.name).told():
        print(said, file=sys.stderr)
    return data, file.name
