/* tracer_pread.c - the yardstick of bench/tracer.py: what one bare pread of an open
 * /proc/self/statm costs in this process. Prints CPU nanoseconds a call. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { COUNT = 1000000 };

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(void)
{
    int fd = open("/proc/self/statm", O_RDONLY);
    char text[64];
    double start = cpu_ns();

    for (int i = 0; i < COUNT; i++)
        if (pread(fd, text, sizeof text, 0) <= 0) return 1;
    printf("%.1f\n", (cpu_ns() - start) / COUNT);
    return 0;
}
