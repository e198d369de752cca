// The C interface that verif/tile_array/library.py calls.
#include "array.h"

#define API extern "C" __attribute__((visibility("default")))

API Array* wm_new(const Setup* setup) { return new Array(*setup); }
API void wm_free(Array* array) { delete array; }

API int wm_step(Array* array, int reset, int hold, const Bus* bus, int running) {
    return array->step(reset, hold, *bus, running);
}
API void wm_traffic(Array* array, const Traffic* traffic, const Stalls* stalls) {
    array->traffic(*traffic, *stalls);
}
API void wm_run(Array* array, int64_t cycles) { array->run(cycles); }
API void wm_read(Array* array, uint32_t table, uint32_t index, uint64_t* words) {
    array->read(table, index, words);
}
API uint64_t* wm_remap(Array* array) { return array->remap(); }
API void wm_quiet(const Array* array, uint8_t* quiet) { array->quiet(quiet); }
API int wm_sent(const Array* array) { return array->sent(); }
API int wm_violation(const Array* array, Violation* first) {
    *first = array->violation();
    return first->what != 0;
}
API uint32_t wm_bands(const Array* array) { return array->bands(); }
API uint64_t wm_events(const Array* array, uint32_t band, const Event** events) {
    *events = array->events(band).data();
    return array->events(band).size();
}
API uint64_t wm_tile_bytes() { return sizeof(Root); }

#ifdef WITH_TRACE
API void wm_trace(Array* array, const char* path, int64_t begin, int64_t end) {
    array->trace(path, begin, end);
}
API void wm_close_trace(Array* array) { array->close_trace(); }
#endif
