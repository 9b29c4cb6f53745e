# Every *_test.c is one cmocka program, found here, linked with its room. tests/ drives the built
# programs over their real interfaces.
if(NOT PKG_CONFIG_FOUND)
  message(FATAL_ERROR "pkg-config is missing: make deps")
endif()
tide_package(CMOCKA cmocka 1.1.5 libcmocka-dev)

function(tide_unit_test file)
  get_filename_component(name ${file} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${file})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(${name} PRIVATE TIDEMARK_SOURCE="${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARGN} PkgConfig::CMOCKA PkgConfig::JANSSON)
  add_dependencies(unit_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

add_custom_target(unit_tests ALL)
foreach(room base store build stats run schedule http cli)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/server/${room}/*_test.c)
  foreach(file IN LISTS files)
    tide_unit_test(${file} tide_${room})
  endforeach()
endforeach()
file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/worker/*_test.c)
foreach(file IN LISTS files)
  tide_unit_test(${file} tide_stream tide_ring)
endforeach()

find_program(PYTHON3 python3 REQUIRED)
find_program(NODE NAMES node nodejs)

# tide_drive(NAME SECONDS COMMAND...): a program that drives what was built. The limit only ends what hangs: it
# leaves room for a machine that is busy.
function(tide_drive name seconds)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS drive TIMEOUT ${seconds} ENVIRONMENT
    "TIDEMARK=$<TARGET_FILE:tidemark>;ARTIFACTS=${CMAKE_BINARY_DIR}/artifacts;PYTHONDONTWRITEBYTECODE=1")
endfunction()

file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/worker/test_*.py)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  tide_drive(worker.${name} 1200 ${PYTHON3} ${file} --probe $<TARGET_FILE:tidemark-probe>
             --dump $<TARGET_FILE:tidemark-dump> --source ${CMAKE_SOURCE_DIR})
  # A worker that waits for a CPU longer than the probe holds samples back for puts events behind them.
  set_tests_properties(worker.${name} PROPERTIES RUN_SERIAL ON)
endforeach()

file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/formats/test_*.py)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  tide_drive(formats.${name} 300 ${PYTHON3} ${file} --tidemark $<TARGET_FILE:tidemark>
             --probe $<TARGET_FILE:tidemark-probe> --dump $<TARGET_FILE:tidemark-dump>
             --source ${CMAKE_SOURCE_DIR})
endforeach()

file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/daemon/test_*.py)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  tide_drive(daemon.${name} 1200 ${PYTHON3} ${file})
endforeach()

if(NOT NODE)
  message(FATAL_ERROR "node is missing: make deps")
endif()
file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/browser/*.test.mjs)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  tide_drive(browser.${name} 600 ${NODE} --test --test-reporter=spec ${file})
endforeach()

file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/rest/*.test.mjs)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WE)
  tide_drive(rest.${name} 600 ${NODE} --test --test-reporter=spec ${file})
endforeach()

# The converters are a project of their own, built and tested as one, the way a commit of theirs is built.
add_test(NAME converters COMMAND ${CMAKE_CTEST_COMMAND}
         --build-and-test ${CMAKE_SOURCE_DIR}/converters ${CMAKE_BINARY_DIR}/converters
         --build-generator ${CMAKE_GENERATOR} --build-options -DTIDECONV_TESTS=ON
         --test-command ${CMAKE_CTEST_COMMAND} -j2 --output-on-failure)
set_tests_properties(converters PROPERTIES LABELS drive TIMEOUT 900)
