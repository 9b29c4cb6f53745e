"""What bench/tracer.py runs under the worker: calls that do nothing. Payload: 0 bytes."""


def nothing():
    pass


def peakmem_python(count):
    for _ in range(count):
        nothing()


def peakmem_c(count):
    function = "".isupper  # takes no argument and makes no object
    for _ in range(count):
        function()


peakmem_python.params = peakmem_c.params = [[2000000]]
peakmem_python.param_names = peakmem_c.param_names = ["count"]
