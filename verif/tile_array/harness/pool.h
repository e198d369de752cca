// A fixed set of workers that pass through barriers together.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
inline void relax() { _mm_pause(); }
#else
inline void relax() {}
#endif

// Spins first, because a cycle lasts microseconds; yields when a core is taken away, and at once
// when there are not enough cores.
class Barrier {
  public:
    explicit Barrier(unsigned parties)
        : m_parties{parties}, m_spins{parties > std::thread::hardware_concurrency() ? 0u : 2000u} {}

    void wait() {
        const unsigned phase = m_phase.load(std::memory_order_relaxed);
        if (m_arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == m_parties) {
            m_arrived.store(0, std::memory_order_relaxed);
            m_phase.store(phase + 1, std::memory_order_release);
            return;
        }
        for (unsigned spins = 0; m_phase.load(std::memory_order_acquire) == phase; ++spins) {
            if (spins < m_spins) {
                relax();
            } else {
                std::this_thread::yield();
            }
        }
    }

  private:
    const unsigned m_parties;
    const unsigned m_spins;
    alignas(64) std::atomic<unsigned> m_arrived{0};
    alignas(64) std::atomic<unsigned> m_phase{0};
};

// Runs a job on every worker; worker 0 is the caller, the others sleep between jobs.
class Pool {
  public:
    explicit Pool(unsigned workers) : m_workers{workers} {
        for (unsigned i = 1; i < workers; ++i) m_threads.emplace_back([this, i] { serve(i); });
    }

    ~Pool() {
        run(nullptr);
        for (auto& thread : m_threads) thread.join();
    }

    void run(std::function<void(unsigned)> job) {
        const bool work = static_cast<bool>(job);
        {
            std::lock_guard lock{m_mutex};
            m_job = std::move(job);
            m_pending = m_workers - 1;
            ++m_generation;
        }
        m_start.notify_all();
        if (!work) return;
        m_job(0);
        std::unique_lock lock{m_mutex};
        m_done.wait(lock, [this] { return m_pending == 0; });
    }

  private:
    void serve(unsigned index) {
        for (unsigned seen = 0;;) {
            {
                std::unique_lock lock{m_mutex};
                m_start.wait(lock, [&] { return m_generation != seen; });
                seen = m_generation;
                if (!m_job) return;
            }
            m_job(index);
            std::lock_guard lock{m_mutex};
            if (--m_pending == 0) m_done.notify_one();
        }
    }

    const unsigned m_workers;
    std::function<void(unsigned)> m_job;
    unsigned m_generation = 0;
    unsigned m_pending = 0;
    std::mutex m_mutex;
    std::condition_variable m_start;
    std::condition_variable m_done;
    std::vector<std::thread> m_threads;
};
