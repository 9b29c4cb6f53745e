// std_reference.cpp - the yardstick: what a straightforward C++ extension does.
//
// Each function copies a Python container into the standard container that a C++ programmer reaches
// for first, and builds a new Python container from that. No tricks, but no mistakes on purpose
// either: elements are moved in, vectors and hash tables are reserved. Built by the benchmark only.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <complex>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <list>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace
{

using complex = std::complex<double>;

struct Failure {
};

struct Text : std::string {
    using std::string::string;
};

struct Mutable : std::string {
    using std::string::string;
};

template <typename T> T load(PyObject *object);

template <> bool load<bool>(PyObject *object)
{
    if (!PyBool_Check(object)) throw Failure();
    return object == Py_True;
}

template <> std::int64_t load<std::int64_t>(PyObject *object)
{
    if (!PyLong_Check(object)) throw Failure();
    std::int64_t value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) throw Failure();
    return value;
}

template <> double load<double>(PyObject *object)
{
    if (!PyFloat_Check(object)) throw Failure();
    return PyFloat_AS_DOUBLE(object);
}

template <> complex load<complex>(PyObject *object)
{
    if (!PyComplex_Check(object)) throw Failure();
    return complex(PyComplex_RealAsDouble(object), PyComplex_ImagAsDouble(object));
}

template <> std::string load<std::string>(PyObject *object)
{
    if (!PyBytes_Check(object)) throw Failure();
    return std::string(PyBytes_AS_STRING(object), static_cast<std::size_t>(Py_SIZE(object)));
}

template <> Mutable load<Mutable>(PyObject *object)
{
    if (!PyByteArray_Check(object)) throw Failure();
    return Mutable(PyByteArray_AS_STRING(object), static_cast<std::size_t>(Py_SIZE(object)));
}

template <> Text load<Text>(PyObject *object)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(object, &size);
    if (!data) throw Failure();
    return Text(data, static_cast<std::size_t>(size));
}

PyObject *store(bool value)
{
    return PyBool_FromLong(value);
}

PyObject *store(std::int64_t value)
{
    return PyLong_FromLongLong(value);
}

PyObject *store(double value)
{
    return PyFloat_FromDouble(value);
}

PyObject *store(const complex &value)
{
    return PyComplex_FromDoubles(value.real(), value.imag());
}

PyObject *store(const std::string &value)
{
    return PyBytes_FromStringAndSize(value.data(), static_cast<Py_ssize_t>(value.size()));
}

PyObject *store(const Mutable &value)
{
    return PyByteArray_FromStringAndSize(value.data(), static_cast<Py_ssize_t>(value.size()));
}

PyObject *store(const Text &value)
{
    return PyUnicode_FromStringAndSize(value.data(), static_cast<Py_ssize_t>(value.size()));
}

PyObject *checked(PyObject *object)
{
    if (!object) throw Failure();
    return object;
}

struct Hash {
    template <typename T> std::size_t operator()(const T &value) const
    {
        return std::hash<T>()(value);
    }
    std::size_t operator()(const complex &value) const
    {
        std::size_t real = std::hash<double>()(value.real());
        return real * 31 + std::hash<double>()(value.imag());
    }
    std::size_t operator()(const Text &value) const
    {
        return std::hash<std::string>()(value);
    }
};

struct Less {
    template <typename T> bool operator()(const T &left, const T &right) const
    {
        return left < right;
    }
    bool operator()(const complex &left, const complex &right) const
    {
        return std::make_pair(left.real(), left.imag()) <
               std::make_pair(right.real(), right.imag());
    }
};

// One item into a list or tuple that was made at full length.
void set_item(PyObject *sequence, Py_ssize_t i, PyObject *item)
{
    if (PyList_CheckExact(sequence))
        PyList_SET_ITEM(sequence, i, item);
    else
        PyTuple_SET_ITEM(sequence, i, item);
}

template <typename Container> PyObject *sequence(PyObject *source)
{
    Container container;
    Py_ssize_t size = PySequence_Fast_GET_SIZE(source);
    if constexpr (std::is_same_v<Container, std::vector<typename Container::value_type>>)
        container.reserve(static_cast<std::size_t>(size));
    for (Py_ssize_t i = 0; i < size; i++)
        container.push_back(
            load<typename Container::value_type>(PySequence_Fast_GET_ITEM(source, i)));
    PyObject *result = checked(PyList_CheckExact(source) ? PyList_New(size) : PyTuple_New(size));
    Py_ssize_t i = 0;
    for (const auto &item : container)
        set_item(result, i++, checked(store(item)));
    return result;
}

template <typename T> PyObject *set(PyObject *source)
{
    std::unordered_set<T, Hash> container;
    container.reserve(static_cast<std::size_t>(PySet_GET_SIZE(source)));
    PyObject *iterator = checked(PyObject_GetIter(source));
    while (PyObject *item = PyIter_Next(iterator)) {
        container.insert(load<T>(item));
        Py_DECREF(item);
    }
    Py_DECREF(iterator);
    PyObject *result =
        checked(PyFrozenSet_CheckExact(source) ? PyFrozenSet_New(nullptr) : PySet_New(nullptr));
    for (const T &item : container) {
        PyObject *object = checked(store(item));
        if (PySet_Add(result, object) < 0) throw Failure();
        Py_DECREF(object);
    }
    return result;
}

template <typename Container> PyObject *dict(PyObject *source)
{
    using Key = typename Container::key_type;
    using Value = typename Container::mapped_type;
    Container container;
    PyObject *key, *value;
    Py_ssize_t position = 0;
    if constexpr (std::is_same_v<Container, std::unordered_map<Key, Value, Hash>>)
        container.reserve(static_cast<std::size_t>(PyDict_Size(source)));
    while (PyDict_Next(source, &position, &key, &value))
        container.emplace(load<Key>(key), load<Value>(value));
    PyObject *result = checked(PyDict_New());
    for (const auto &item : container) {
        PyObject *new_key = checked(store(item.first));
        PyObject *new_value = checked(store(item.second));
        if (PyDict_SetItem(result, new_key, new_value) < 0) throw Failure();
        Py_DECREF(new_key);
        Py_DECREF(new_value);
    }
    return result;
}

template <PyObject *(*convert)(PyObject *)> PyObject *guarded(PyObject *, PyObject *source)
{
    try {
        return convert(source);
    } catch (const Failure &) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "wrong element");
    } catch (const std::bad_alloc &) {
        PyErr_NoMemory();
    }
    return nullptr;
}

// ---- the floor: what CPython alone takes to build the result from ready data, plus one memcpy
// -----

template <typename T> std::size_t payload(const std::vector<T> &items)
{
    if constexpr (std::is_base_of_v<std::string, T>) {
        std::size_t size = 0;
        for (const T &item : items)
            size += item.size();
        return size;
    }
    return items.size() * sizeof(T);
}

// Nanoseconds that this thread has run: what other processes take does not count.
double cpu_time()
{
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Time `repeat` builds, each with a copy of as many bytes as the data has; (result, ns a build).
template <typename Build> PyObject *timed(std::size_t bytes, long repeat, Build build)
{
    std::vector<char> from(bytes + 1, 1), to(bytes + 1, 2);
    PyObject *result = nullptr;
    double start = cpu_time();
    for (long i = 0; i < repeat; i++) {
        std::memcpy(to.data(), from.data(), bytes);
        asm volatile("" : : "r"(to.data()) : "memory");
        Py_XDECREF(result);
        result = build();
    }
    return Py_BuildValue("(Nd)", result, (cpu_time() - start) / static_cast<double>(repeat));
}

// Every element as a native value; keys only for a dict.
template <typename T> std::vector<T> ready(PyObject *source)
{
    std::vector<T> items;
    PyObject *iterator = checked(PyObject_GetIter(source));
    while (PyObject *item = PyIter_Next(iterator)) {
        items.push_back(load<T>(item));
        Py_DECREF(item);
    }
    Py_DECREF(iterator);
    return items;
}

template <typename T> PyObject *floor_sequence(PyObject *source, long repeat)
{
    std::vector<T> items = ready<T>(source);
    bool list = PyList_CheckExact(source);
    return timed(payload(items), repeat, [&] {
        Py_ssize_t size = static_cast<Py_ssize_t>(items.size());
        PyObject *result = checked(list ? PyList_New(size) : PyTuple_New(size));
        for (Py_ssize_t i = 0; i < size; i++)
            set_item(result, i, checked(store(items[static_cast<std::size_t>(i)])));
        return result;
    });
}

template <typename T> PyObject *floor_set(PyObject *source, long repeat)
{
    std::vector<T> items = ready<T>(source);
    bool frozen = PyFrozenSet_CheckExact(source);
    return timed(payload(items), repeat, [&] {
        PyObject *result = checked(frozen ? PyFrozenSet_New(nullptr) : PySet_New(nullptr));
        for (const T &item : items) {
            PyObject *object = checked(store(item));
            if (PySet_Add(result, object) < 0) throw Failure();
            Py_DECREF(object);
        }
        return result;
    });
}

template <typename Key, typename Value> PyObject *floor_dict(PyObject *source, long repeat)
{
    PyObject *list = checked(PyDict_Values(source));
    std::vector<Key> keys = ready<Key>(source);
    std::vector<Value> values = ready<Value>(list);
    Py_DECREF(list);
    return timed(payload(keys) + payload(values), repeat, [&] {
        PyObject *result = checked(PyDict_New());
        for (std::size_t i = 0; i < keys.size(); i++) {
            PyObject *key = checked(store(keys[i]));
            PyObject *value = checked(store(values[i]));
            if (PyDict_SetItem(result, key, value) < 0) throw Failure();
            Py_DECREF(key);
            Py_DECREF(value);
        }
        return result;
    });
}

template <PyObject *(*build)(PyObject *, long)> PyObject *floor_of(PyObject *, PyObject *arguments)
{
    PyObject *source;
    long repeat = 1;
    if (!PyArg_ParseTuple(arguments, "O|l", &source, &repeat)) return nullptr;
    return build(source, repeat);
}

#define CALL(name, ...)  {#name, guarded<__VA_ARGS__>, METH_O, nullptr},
#define FLOOR(name, ...) {#name, floor_of<__VA_ARGS__>, METH_VARARGS, nullptr},

#define SEQUENCES(name, type)                                 \
    CALL(new_list_array_##name, sequence<std::vector<type>>)  \
    CALL(new_list_linked_##name, sequence<std::list<type>>)   \
    CALL(new_tuple_array_##name, sequence<std::vector<type>>) \
    CALL(new_tuple_linked_##name, sequence<std::list<type>>)  \
    FLOOR(floor_list_##name, floor_sequence<type>)            \
    FLOOR(floor_tuple_##name, floor_sequence<type>)

#define SETS(name, type)                       \
    CALL(new_set_hash_##name, set<type>)       \
    CALL(new_frozenset_hash_##name, set<type>) \
    FLOOR(floor_set_##name, floor_set<type>)   \
    FLOOR(floor_frozenset_##name, floor_set<type>)

#define DICT(key, value, key_type, value_type)                                                \
    CALL(new_dict_hash_##key##_##value, dict<std::unordered_map<key_type, value_type, Hash>>) \
    CALL(new_dict_ordered_##key##_##value, dict<std::map<key_type, value_type, Less>>)        \
    FLOOR(floor_dict_##key##_##value, floor_dict<key_type, value_type>)

#define DICTS(key, key_type)                \
    DICT(key, int, key_type, std::int64_t)  \
    DICT(key, float, key_type, double)      \
    DICT(key, complex, key_type, complex)   \
    DICT(key, bytes, key_type, std::string) \
    DICT(key, str, key_type, Text)

#undef bool
PyMethodDef methods[] = {
    SEQUENCES(bool, bool) SEQUENCES(int, std::int64_t) SEQUENCES(float, double)
        SEQUENCES(complex, complex) SEQUENCES(bytes, std::string) SEQUENCES(bytearray, Mutable)
            SEQUENCES(str, Text) SETS(bool, bool) SETS(int, std::int64_t) SETS(float, double)
                SETS(complex, complex) SETS(bytes, std::string) SETS(str, Text)
                    DICTS(int, std::int64_t) DICTS(float, double) DICTS(complex, complex)
                        DICTS(bytes, std::string) DICTS(str, Text){nullptr, nullptr, 0, nullptr},
};

PyModuleDef_Slot slots[] = {{0, nullptr}};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "std_reference",
    "Round trips through the C++ standard containers.",
    0,
    methods,
    slots,
    nullptr,
    nullptr,
    nullptr,
};

} // namespace

PyMODINIT_FUNC PyInit_std_reference()
{
    return PyModuleDef_Init(&definition);
}
