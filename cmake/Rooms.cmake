# tide_room(NAME LIBRARY...): the static library tide_NAME of server/NAME/*.c. Tests stand beside the
# code as *_test.c and are found by cmake/Tests.cmake.
function(tide_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/server/${name}/*.c)
  list(FILTER sources EXCLUDE REGEX "_test\\.c$")
  add_library(tide_${name} STATIC ${sources})
  target_include_directories(tide_${name} PUBLIC ${CMAKE_SOURCE_DIR}/server)
  target_link_libraries(tide_${name} PUBLIC ${ARGN} Threads::Threads)
endfunction()
