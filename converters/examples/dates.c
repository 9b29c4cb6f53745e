/* dates.c - a type of one's own: datetime.date in every container.
 *
 * A date becomes four bytes. The table of callbacks is all that the library needs to know of it;
 * this type owns no memory, so it has no destroy callback. */
#include <tideconv.h>

#include <datetime.h>

struct date {
    int16_t year;
    uint8_t month;
    uint8_t day;
};

static int date_check(PyObject *object)
{
    return PyDate_CheckExact(object);
}

static int date_to_native(PyObject *object, void *value)
{
    struct date *date = value;

    date->year = (int16_t)PyDateTime_GET_YEAR(object);
    date->month = (uint8_t)PyDateTime_GET_MONTH(object);
    date->day = (uint8_t)PyDateTime_GET_DAY(object);
    return 0;
}

static PyObject *date_from_native(const void *value)
{
    const struct date *date = value;

    return PyDate_FromDate(date->year, date->month, date->day);
}

/* Days in the order of the calendar; the numbers of distinct dates differ. */
static int64_t date_number(const void *value)
{
    const struct date *date = value;

    return (date->year * 16 + date->month) * 32 + date->day;
}

static uint64_t date_hash(const void *value)
{
    return (uint64_t)date_number(value);
}

static int date_compare(const void *left, const void *right)
{
    int64_t a = date_number(left);
    int64_t b = date_number(right);

    return (a > b) - (a < b);
}

static const struct tideconv_type type_date = {
    .name = "date",
    .size = sizeof(struct date),
    .check = date_check,
    .to_native = date_to_native,
    .from_native = date_from_native,
    .hash = date_hash,
    .compare = date_compare,
};

static PyObject *new_list_array_date(PyObject *Py_UNUSED(module), PyObject *list)
{
    struct tideconv_array array;

    if (tideconv_array_from_list(&array, &type_date, list) < 0) return NULL;
    return tideconv_array_take_list(&array);
}

static PyObject *new_tuple_linked_date(PyObject *Py_UNUSED(module), PyObject *tuple)
{
    struct tideconv_linked linked;

    if (tideconv_linked_from_tuple(&linked, &type_date, tuple) < 0) return NULL;
    return tideconv_linked_take_tuple(&linked);
}

static PyObject *new_set_hash_date(PyObject *Py_UNUSED(module), PyObject *set)
{
    struct tideconv_hash hash;

    if (tideconv_hash_from_set(&hash, &type_date, set) < 0) return NULL;
    return tideconv_hash_take_set(&hash);
}

static PyObject *new_dict_hash_date_str(PyObject *Py_UNUSED(module), PyObject *dict)
{
    struct tideconv_hash hash;

    if (tideconv_hash_from_dict(&hash, &type_date, &tideconv_type_str, dict) < 0) return NULL;
    return tideconv_hash_take_dict(&hash);
}

static PyObject *new_dict_ordered_date_date(PyObject *Py_UNUSED(module), PyObject *dict)
{
    struct tideconv_ordered ordered;

    if (tideconv_ordered_from_dict(&ordered, &type_date, &type_date, dict) < 0) return NULL;
    return tideconv_ordered_take_dict(&ordered);
}

static PyMethodDef methods[] = {
    {"new_list_array_date", new_list_array_date, METH_O, NULL},
    {"new_tuple_linked_date", new_tuple_linked_date, METH_O, NULL},
    {"new_set_hash_date", new_set_hash_date, METH_O, NULL},
    {"new_dict_hash_date_str", new_dict_hash_date_str, METH_O, NULL},
    {"new_dict_ordered_date_date", new_dict_ordered_date_date, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "dates",
    .m_doc = "datetime.date through native containers.",
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_dates(void)
{
    PyDateTime_IMPORT;
    return PyDateTimeAPI ? PyModuleDef_Init(&definition) : NULL;
}
