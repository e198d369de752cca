// Bit fields of Verilator ports, narrow (integers) or wide (arrays of 32-bit words).
#pragma once
#include <cstdint>
#include <type_traits>

#include "verilated.h"

using Wide = unsigned __int128;  // every word of the contract fits: the widest flit has 109 bits

struct Field {
    unsigned lo;
    unsigned width;
};

constexpr Wide mask(unsigned width) { return (Wide{1} << width) - 1; }

template <typename T>
inline Wide load(const T& port) {
    if constexpr (std::is_integral_v<T>) {
        return port;
    } else {
        Wide value = 0;
        for (unsigned i = 0; i < sizeof(T) / sizeof(EData); ++i) value |= Wide{port[i]} << (32 * i);
        return value;
    }
}

template <typename T>
inline void store(T& port, Wide value) {
    if constexpr (std::is_integral_v<T>) {
        port = static_cast<T>(value);
    } else {
        for (unsigned i = 0; i < sizeof(T) / sizeof(EData); ++i) {
            port[i] = static_cast<EData>(value >> (32 * i));
        }
    }
}

template <typename T>
inline uint64_t get(const T& port, Field field) {
    return static_cast<uint64_t>((load(port) >> field.lo) & mask(field.width));
}

inline Wide put(Field field, uint64_t value) { return (Wide{value} & mask(field.width)) << field.lo; }

// Finaliser of splitmix64 (design.md §2).
inline uint64_t mix64(uint64_t z) {
    z ^= z >> 30;
    z *= 0xBF58476D1CE4E5B9u;
    z ^= z >> 27;
    z *= 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
